//! The words that column names are made of, in seven languages, as tables: what a word names, which group it puts its
//! column in, and which words change nothing.
//!
//! Case, accents, blanks and punctuation do not count, so `Código postal` stands for `codigo_postal` too. Phrases are
//! parted by commas; the languages follow each other: English, Spanish, Portuguese, Russian, German, French, Italian.
//!
//! Sources: the platform references; the export headers of Google Contacts, Outlook, HubSpot, Salesforce, Pipedrive,
//! amoCRM, Bitrix24, Shopify, WooCommerce, Mailchimp and Brevo; chat tools for WhatsApp.

use crate::contact::{FIELDS, Field};
use crate::yaml::fold;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What a column holds, as far as its own name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Head {
    First,
    Last,
    /// `First`, `Last`: names of a person only where both are there.
    MaybeFirst,
    MaybeLast,
    Full,
    /// `Contact`, `Cliente`: the whole name where no other column holds a name.
    Person,
    /// A name whose neighbours tell which part it is.
    Bare(Bare),
    Phone,
    Email,
    Handles,
    Tags,
    Street,
    /// `Via`: may be a channel as well.
    MaybeStreet,
    /// A whole address in one cell; the street where no column is called so.
    Address,
    City,
    /// `Localidad`, `Comune`: the city where no column is called so.
    Locality,
    State,
    /// `State`, `Region`, `Estado`: may be a status as well, so the neighbours decide.
    MaybeState,
    Zip,
    /// `CAP`, `C.P.`: short for other things as well.
    MaybeZip,
    Country,
    /// A calling code or a country's letters beside a phone.
    CountryCode,
    /// Not a field of a contact; only known so that its label is known.
    Website,
    /// A field that only its whole name tells.
    Other(Field),
}

/// Names of one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bare {
    /// `Name`: the family name beside `Vorname`, the given name beside `Surname`, otherwise the whole.
    Name,
    /// `Nombre`, `Nome`, `Имя`: the given name beside a family name.
    Given,
    /// `Nom`: the family name beside `Prénom`.
    Family,
}

/// The group that a column belongs to, in the order in which groups are preferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Role {
    WhatsApp,
    Mobile,
    #[default]
    Plain,
    Main,
    Home,
    Mailing,
    Billing,
    Work,
    Shipping,
    Other,
}

/// What a phrase within a name does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Head(Head),
    Role(Role),
    /// The column only says of which type its neighbour is.
    Label,
    /// `Province Code`: another form of the same.
    Code,
    /// It changes nothing: `Value`, `Contact`, `de`.
    Filler,
    /// `Number`: the same beside a phone.
    Number,
    /// The column is about a company, not about the contact.
    Company,
}

/// Words that can stand within a longer name.
const HEADS: &[(Head, &str)] = &[
    (
        Head::First,
        "first name, given name, given names, first names, christian name, forename, fname, nombre de pila, primer nombre, primeiro nome, vorname, vornamen, \
         prenom, prenoms, rufname, nome di battesimo",
    ),
    (
        Head::Last,
        "last name, surname, family name, lname, apellido, apellidos, apellido s, apellidos s, er apellido, apelido, apelidos, primer apellido, apellido paterno, sobrenome, \
         ultimo nome, фамилия, nachname, familienname, zuname, nom de famille, cognome",
    ),
    (
        Head::Full,
        "full name, display name, contact name, customer name, client name, saved name, first and last name, \
         name and surname, nombre completo, nombre y apellido, nombre y apellidos, nombres y apellidos, \
         nombre del cliente, nombre de contacto, nombre del contacto, apellidos y nombres, nome completo, \
         nome e sobrenome, nome do cliente, nome do contato, фио, полное имя, имя и фамилия, фамилия и имя, \
         имя клиента, имя контакта, vollstandiger name, vor und nachname, vorname und nachname, anzeigename, \
         kundenname, nom complet, nom et prenom, prenom et nom, nom du client, nom du contact, nome e cognome, \
         cognome e nome, nominativo, nome del cliente, apellido y nombre, apellido y nombres, apellidos y nombre, \
         apellidos nombres, apellido nombre, nombre apellido, nombres apellidos, nombre apellidos, sobrenome e nome, nome sobrenome, \
         nachname vorname, vor nachname, vor und zuname, vor zuname, nachname und vorname, name vorname, vorname name, vorname nachname, name und vorname, nom prenom, \
         prenom nom, prenoms et nom, nome cognome, cognome nome, first last name, last name first name, ф и о, фамилия имя, \
         имя фамилия, фамилия имя отчество, фамилия и о",
    ),
    (Head::Bare(Bare::Name), "name"),
    (Head::Bare(Bare::Given), "nombre, nombres, nombre s, nome, имя"),
    (Head::Bare(Bare::Family), "nom"),
    (
        Head::Phone,
        "phone, phones, phone number, phone numbers, phone no, telephone, telephones, telephone no, tel, tel no, contact no, \
         contact number, user phone, fone, landline, numero de contacto, numero de contato, telefono, telefonos, \
         numero telefonico, telefone, telefones, телефон, телефоны, телефона, тел, номер тел, номера телефонов, telefon, \
         telefonnummer, telefonnummern, telefonnr, rufnummer, festnetz, festnetznummer, haupttelefon, numero de telephone, \
         recapito, recapito telefonico, telefoni, tfno, tfnos, tfo, tlf, tlfs, tlfno, tlfn, telf, telfs, telef, fono, fonos, ph, ph no, ph number, tele, telefon nr, tel nr, \
         tel nummer, fon, тлф, номер телефона, num tel, numero tel, n tel, no tel, n de telephone, no de telephone",
    ),
    (
        Head::Email,
        "email, emails, user email, email address, email addresses, email id, external email address, mail, correo, correos, \
         correo electronico, correos electronicos, direccion de correo, direccion de correo electronico, \
         direccion del correo electronico, correio eletronico, correio electronico, endereco de email, \
         endereco de correio eletronico, почта, эл почта, электронная почта, адрес электронной почты, \
         адреса электронной почты, адрес эл почты, емейл, имейл, эл адрес, электронный адрес, email adresse, \
         emailadressen, mailadresse, elektronische post, adresse email, adresse mail, adresse electronique, courriel, \
         courrier electronique, adresse de messagerie, indirizzo email, indirizzo mail, posta elettronica, \
         indirizzo di posta elettronica, indirizzo posta elettronica, posta elettr, мейл, мэйл, correo e, correo elec, correo electr, \
         emailadresse, mail adresse, adr email, adr mail, courrier elec",
    ),
    (
        Head::Street,
        "street, street address, address line, calle, calle y numero, domicilio, rua, logradouro, улица, strasse, \
         strasse und hausnummer, strasse hausnummer, strasse hausnr, strasse hnr, strasse nr, strasse und nr, str, str hausnr, str nr, \
         rue, rue et numero, via e numero, via e numero civico, calle y nro, calle y altura, улица дом",
    ),
    (Head::MaybeStreet, "via"),
    (Head::Address, "address, addr, direccion, endereco, morada, адрес, anschrift, adresse, indirizzo"),
    (Head::City, "city, town, city town, ciudad, cidade, город, stadt, ort, wohnort, ville, citta"),
    (
        Head::Locality,
        "locality, localidad, municipio, comuna, poblacion, localidade, населенный пункт, gemeinde, commune, localite, comune, localita",
    ),
    (
        Head::State,
        "province, state region, state province, region state, stateorprovince, provincia, estado provincia, \
         estado region, provincia o estado, comunidad autonoma, uf, область, край, область край, bundesland, bundesland kanton, \
         etat province, dep region, departement region, prov, estado uf, uf estado, entidad federativa",
    ),
    (Head::MaybeState, "state, region, estado, regiao, регион, etat, stato, regione"),
    (
        Head::Zip,
        "zip, zip code, postal code, post code, postcode, zip postal code, zip or postal code, codigo postal, cep, \
         индекс, почтовый индекс, почтовый код, cod postal, c postal, plz, postleitzahl, code postal, codice postale, codice di avviamento postale",
    ),
    (Head::MaybeZip, "cap, cp"),
    (
        Head::Country,
        "country, country region, country id, country name, country or region, pais, pais region, pais o region, pais regiao, страна, \
         страна регион, land, land region, pays, pays region, paese, paese regione, \
         paese area geografica, nazione",
    ),
    (
        Head::CountryCode,
        "country code, country calling code, calling code, dial code, dialing code, codigo de pais, codigo pais, \
         codigo do pais, код страны, landervorwahl, landesvorwahl, indicatif pays, prefisso internazionale",
    ),
    (
        Head::Tags,
        "tag, tags, tag names, segment, segments, categories, group membership, groups, lists, segmento, segmentos, \
         categorias, grupos, listas, marcadores, тег, теги, сегмент, сегменты, группы, категории, ярлыки, schlagworte, \
         schlagworter, kategorien, gruppen, listen, categories, groupes, listes, mots cles, segmenti, categorie, \
         gruppi, liste",
    ),
    (
        Head::Website,
        "website, web site, web page, url, sitio web, site, сайт, webseite, internetseite, site web, sito web",
    ),
];

/// Names that only count where they are the whole name of the column; the names of a contact's own fields are added.
const WHOLE: &[(Head, &str)] = &[
    (Head::MaybeFirst, "first"),
    (Head::MaybeLast, "last"),
    (
        Head::Person,
        "contact, contacto, cliente, contato, клиент, контакт, kontakt, kunde, contatto, customer, client, patient, student, \
         guest, member, attendee, participant, buyer, recipient, subscriber, tenant, donor, visitor, paciente, alumno, alumna, \
         estudiante, destinatario, socio, miembro, afiliado, titular, huesped, invitado, comprador, suscriptor, beneficiario, \
         inquilino, aluno, estudante, membro, hospede, assinante, пациент, ученик, студент, покупатель, получатель, участник, \
         гость, schuler, teilnehmer, mitglied, gast, empfanger, kaufer, eleve, membre, invite, destinataire, acheteur, \
         paziente, studente, partecipante, ospite, contact person, primary contact, main contact, persona de contacto, \
         contacto principal, pessoa de contato, контактное лицо, ansprechpartner, ansprechpartnerin, kontaktperson, \
         personne de contact, persona di contatto, interlocuteur, lead, prospect, prospecto, persona, pessoa, persone",
    ),
    (
        Head::Tags,
        "label, labels, etiqueta, etiquetas, метка, метки, etikett, etiketten, etiquette, etiquettes, libelles, \
         etichetta, etichette, теги контакта",
    ),
    (Head::Handles, "messengers, мессенджеры"),
    (
        Head::Other(Field::DocumentType),
        "id type, type of document, tipo de documento, tipo de identificacion, tipo documento, tipo identificacion, \
         тип документа",
    ),
    (
        Head::Other(Field::DocumentNumber),
        "id number, document, document id, passport, passport number, national id, documento, numero de documento, \
         nro de documento, nro documento, numero documento, identificacion, numero de identificacion, cedula, numero de cedula, cedula de identidad, dni, \
         nif, ruc, rut, curp, pasaporte, cpf, cpf cnpj, documento de identidade, passaporte, номер документа, паспорт, \
         номер паспорта, ruc ci, ci ruc, cedula ruc, ruc cedula, cedula o ruc, ruc o cedula, dni ruc, ruc dni, dni nie, nie, nif nie, cuil, cuit, \
         cuit cuil, dni cuit, curp, rut cliente, nro dni, numero dni, nro cedula, c i, инн, codice fiscale, cod fiscale, cod fisc",
    ),
    (
        Head::Other(Field::Notes),
        "note, description, comment, comments, remarks, contact notes, nota, notas, comentario, comentarios, observacion, \
         observaciones, descripcion, comentarios, observacao, observacoes, anotacoes, descricao, заметка, заметки, \
         комментарий, комментарии, примечание, примечания, описание, notiz, notizen, bemerkung, bemerkungen, \
         anmerkung, anmerkungen, kommentar, kommentare, beschreibung, remarque, remarques, commentaire, commentaires, \
         commento, commenti, osservazioni, descrizione, appunti, memo, obs, observ, observac, observ s, coment, coments, anotacion, \
         anotaciones, apuntes, примеч, прим, коммент, bem, bemerk, anm, annotation, annotations, annotazioni",
    ),
    (Head::Other(Field::OwnerId), "agent id, hubspot owner id, contact owner id"),
    (
        Head::Other(Field::OwnerName),
        "owner, contact owner, account owner, account manager, agent, agent name, assigned to, assignee, propietario, \
         propietario del contacto, agente, agente asignado, asignado a, asesor, responsable, proprietario, \
         proprietario do contato, responsavel, atribuido a, ответственный, менеджер, агент, владелец контакта, persona responsable, \
         usuario responsable, responsable del contacto, record owner, lead owner, assigned agent, assigned user, responsible, responsible person, \
         responsible user, pessoa responsavel, usuario responsavel, responsavel pelo contato, ответственный за контакт, \
         ответственный пользователь, betreuer, zustandig, zustandiger mitarbeiter, kontakteigentumer, zugewiesen an, \
         proprietaire, proprietaire du contact, attribue a, proprietario del contatto, assegnato a, referente interno",
    ),
    (
        Head::Other(Field::OwnerEmail),
        "agent email, contact owner email, correo del agente, email do agente, email менеджера",
    ),
    (
        Head::Other(Field::CreatedAt),
        "created, created date, creation date, create date, created on, created time, date created, date time created, profile created on, \
         fecha de creacion, fecha creacion, creado, creado el, fecha hora de creacion, data de criacao, data criacao, criado em, \
         дата создания, создан, erstellt am, erstellungsdatum, erstelldatum, angelegt am, date de creation, cree le, data di creazione, \
         data creazione, creato il",
    ),
    (
        Head::Other(Field::UpdatedAt),
        "last modified date, updated date, last modified, last updated, date modified, modified on, modified date, modified time, updated on, \
         fecha de modificacion, fecha modificacion, ultima modificacion, modificado el, actualizado el, data de modificacao, \
         modificado em, atualizado em, дата изменения, изменен, geandert am, anderungsdatum, date de modification, modifie le, \
         data di modifica, data modifica, modificato il",
    ),
];

const ROLES: &[(Role, &str)] = &[
    (
        Role::WhatsApp,
        "whatsapp, whatsapp no, whats app, whats, whatsap, whatssap, whatsapp business, wa, wapp, wpp, wsp, wsapp, zap, zapzap, wasap, guasap, \
         wassap, watsap, watsapp, ватсап, вотсап, вацап, ватсапп, вотсапп, whatsapp nummer",
    ),
    (
        Role::Mobile,
        "mobile, mobile phone, mobile no, cell, cell no, cell phone, cells, cellular, mob, mob no, gsm, sms, movil, cel, cels, celu, moviles, celular, celulares, movel, \
         telemovel, tlm, telem, мобильный, мобильник, сот, мобтел, мобильного, мобильные, моб, сотовый, переносной, mobil, handy, handynummer, handynr, \
         mobilnummer, mobilnr, mobiltelefon, mobiltelefonnummer, mobilfunk, mobilfunknummer, portable, mobile, cellulare, \
         cellulari, cellul, telefonino, natel",
    ),
    (Role::Main, "primary, main, principal, ppal, основной, haupt, principale"),
    (
        Role::Home,
        "home, personal, private, casa, particular, residencial, домашний, домашняя, личный, личная, частный, дом, \
         privat, domicile, maison, personnel, prive, abitazione, privato, personale, ab",
    ),
    (Role::Mailing, "mailing, correspondence, postal, postale"),
    (Role::Billing, "billing, facturacion, cobranca, rechnung, rechnungs, facturation, fatturazione"),
    (
        Role::Work,
        "work, business, office, trabajo, laboral, oficina, comercial, trabalho, рабочий, рабочая, рабочее, раб, \
         служебный, geschaftlich, dienstlich, arbeit, buro, professionnel, travail, bureau, lavoro, ufficio, uff, trab, ofic, раб, dienst, pro",
    ),
    (
        Role::Shipping,
        "shipping, delivery, envio, entrega, доставка, доставки, lieferung, liefer, livraison, spedizione",
    ),
    (
        Role::Other,
        "other, alternate, alternative, secondary, second, additional, otro, otra, alternativo, secundario, adicional, outro, outra, \
         другой, другая, дополнительный, andere, anderes, weitere, weiteres, sonstige, sonstiges, autre, altro, altra",
    ),
];

const LABELS: &str = "label, type, kind, etiqueta, tipo, тип, метка, typ, etikett, libelle, etichetta";
const CODES: &str = "code, iso";
const FILLERS: &str = "value, formatted, default, person, contact, client, customer, lead, subscriber, the, of, your, my, \
    what is your, whats your, please enter your, enter your, de, del, do, da, la, el, contacto, contato, cliente, fijo, fixo, \
    контакта, контакт, клиента, контактный, контактная, контактные, wert, kontakt, kunde, du, le, des, fixe, contatto, di, della, fisso, fix, residencia, residence, residenza, проживания, l, d, dell, dello, paciente, alumno, patient, \
    guest, member";
/// They change nothing beside a phone; a `Street Number` is no street, and a `Number of Emails` no e-mail.
const NUMBERS: &str = "number, num, nro, nr, n, no, numero, номер, nummer";
const COMPANIES: &str = "company, organization, organisation, org, employer, account, associated company, empresa, \
    compania, organizacion, organizacao, компания, компании, организация, организации, firma, unternehmen, organisation, \
    entreprise, societe, azienda, societa, organizzazione";

/// What the exporting system's own ids are ids of.
const OF_IDS: &str = "record, contact, person, customer, client, user, lead, account, company, organization, deal, object, \
    hs, web, subscriber, associated, master, row, system, de, del, do, da, du, des, di, registro, contacto, persona, cliente, \
    usuario, contato, usuario, записи, контакта, клиента, контакт, datensatz, kontakt, kunde, kunden, contatto, utente";
/// Such ids under names of their own.
const OWN_IDS: &str = "leid, euid, hs object id, uid, uuid, guid";
/// Numbers of rows, in whatever language.
const COUNTERS: &str = "no, nr, nro, n, sno, sr no, sl no, row, row number, row no, line, line number, index, record number, \
    lfd nr, laufende nummer, num row, номер строки, no п п, п п";

fn phrases(list: &str) -> impl Iterator<Item = String> + '_ {
    list.split(',').map(fold)
}

fn set(list: &str) -> HashSet<String> {
    phrases(list).collect()
}

/// Whole names.
pub(super) static NAMES: LazyLock<HashMap<String, Head>> = LazyLock::new(|| {
    let of_table = WHOLE.iter().flat_map(|(head, list)| phrases(list).map(|name| (name, *head)));
    of_table.chain(FIELDS.iter().filter_map(|(field, name)| Some((fold(name), own_head(*field)?)))).collect()
});

/// What a field's own name holds, where it is no word of the tables.
fn own_head(field: Field) -> Option<Head> {
    match field {
        Field::FirstName | Field::LastName | Field::FullName | Field::Phones | Field::Emails | Field::Tags => None,
        Field::Street | Field::City | Field::State | Field::Zip | Field::Country => None,
        Field::Handles => Some(Head::Handles),
        other => Some(Head::Other(other)),
    }
}

/// Phrases within a name.
pub(super) static WORDS: LazyLock<HashMap<String, Word>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for (list, word) in [
        (FILLERS, Word::Filler),
        (NUMBERS, Word::Number),
        (LABELS, Word::Label),
        (CODES, Word::Code),
        (COMPANIES, Word::Company),
    ] {
        words.extend(phrases(list).map(|phrase| (phrase, word)));
    }
    for (role, list) in ROLES {
        words.extend(phrases(list).map(|phrase| (phrase, Word::Role(*role))));
    }
    for (head, list) in HEADS {
        words.extend(phrases(list).map(|phrase| (phrase, Word::Head(*head))));
    }
    words
});

/// Words beside `ID` in the exporting system's own ids.
pub(super) static ID_WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| set(OF_IDS));
/// Whole names of such ids.
pub(super) static ID_NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| set(OWN_IDS));
/// Whole names of counters.
pub(super) static COUNTER_NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| set(COUNTERS));

/// Words of a column about another party than the contact, or about another thing than the value.
const OTHERS: &str = "assistant, asst, secretary, spouse, wife, husband, partner, emergency, referral, referred, referrer, manager, supervisor, parent, father, \
    mother, guardian, child, son, daughter, friend, sales, seller, rep, employee, driver, doctor, lawyer, broker, sender, guarantor, kin, nok, relative, neighbor, neighbour, boss, secretaria, secretario, apoderado, acudiente, familiar, pariente, \
    vecino, jefe, acompanante, asistente, conyuge, esposa, \
    esposo, pareja, emergencia, emergencias, referido, referencia, padre, madre, hijo, tutor, vendedor, vendedora, chofer, medico, \
    fiador, garante, representante, assistente, emergencia, indicado, indicacao, mae, pai, filho, ассистент, ассистента, помощник, помощника, секретарь, секретаря, руководитель, руководителя, \
    супруг, супруга, экстренный, экстренной, отец, мать, ребенок, продавец, водитель, assistent, assistenten, assistentin, sekretariat, sekretarin, vorgesetzter, vorgesetzten, ehepartner, notfall, \
    notfallkontakt, vater, mutter, kind, verkaufer, fahrer, secretaire, superieur, conjoint, conjointe, urgence, pere, mere, enfant, vendeur, segretaria, segretario, \
    coniuge, emergenza, venditore, status, verified, valid, validated, validation, opt, optin, optout, out, consent, accept, accepts, allow, allows, agree, agreed, acepta, acepto, aceita, aceito, accetta, accetto, autoriza, \
    autorizza, autorizo, recibe, recibir, recebe, receber, riceve, desea, deseja, newsletter, subscribed, suscrito, suscripcion, subscription, \
    inscrito, abonne, abonniert, marketing, promo, promos, promociones, promocoes, dnc, shared, since, desde, seit, depuis, dal, visit, \
    visita, visite, besuch, active, seen, timezone, locale, consent, permission, source, count, \
    total, date, time, extension, ext, format, bounced, bounce, clicks, opens, score, last, verificado, valido, consentimiento, fuente, \
    cantidad, fecha, hora, extension, fonte, quantidade, data, статус, дата, время, согласие, источник, количество, datum, \
    quelle, anzahl, einwilligung, statut, consentement, stato, consenso, fax, pager, isdn, telex, radio, callback, \
    car, auto, coche, carro, voiture, macchina, машине, website, page, url, user, username, login, password, ip, old, former, previous, anterior, antiguo, antigo, старый, alt, alte, ancien, \
    vecchio, signature, subject, template, response, reason, motivo, hash, encrypted, provider, domain, dominio, operator, operador, carrier, \
    product, producto, produto, produkt, produit, prodotto, товар, campaign, campana, campanha, event, evento, pet, mascota, \
    animal, school, escuela, escola, colegio, школа, schule, ecole, scuola, file, archivo, deal, сделка, project, proyecto, projeto, \
    course, curso, курс, kurs, cours, corso, team, equipo, store, tienda, loja, branch, sucursal, filial, job, position, cargo, \
    puesto, должность, bank, banco, банк, channel, canal, канал, order, pedido, заказ, bestellung, commande, ordine, invoice, factura, \
    fatura, ticket, plan, agent, agente, agentes, ejecutivo, consultor, brand, model, type, tipo, тип, typ, etiqueta, label, is, has, no, not, sin, sem, sans, без";

/// Words of a question that a form asks.
const ASKED: &str = "what, whats, is, your, please, enter, provide, us, give, tell, can, we, have, may, reach, which, best, contact, you, at, on, to, cual, cuál, \
    es, tu, su, tus, sus, por, favor, indica, indique, ingresa, ingrese, escribe, escriba, dejanos, deja, nos, como, qual, \
    e, o, a, seu, sua, teu, tua, informe, digite, insira, deixe, какой, какая, ваш, ваша, ваше, укажите, введите, \
    пожалуйста, wie, lautet, ist, ihre, ihr, deine, dein, bitte, angeben, eingeben, quel, quelle, est, votre, ton, ta, \
    veuillez, entrer, saisir, indiquer, tuo, tua, suo, sua, inserisci, inserire, indica, per, favore, aqui, here";

/// What a column with such a word is about is not a value of the contact.
pub(super) static FORBIDDING: LazyLock<HashSet<String>> = LazyLock::new(|| set(OTHERS));
/// See [`ASKED`].
pub(super) static QUESTIONS: LazyLock<HashSet<String>> = LazyLock::new(|| set(ASKED));
