//! Every quirk of the modelled Eadesk.
