#!/usr/bin/env python3
"""Prints src/mapping/phone/territories.tsv from a version of Unicode CLDR, as npm has it: territories.py 48.2.0"""
import json, subprocess, sys, tarfile, tempfile

LOCALES = ["en", "es", "es-419", "pt", "pt-PT", "ru", "de", "fr", "it"]
FORMS = ["", "-alt-short", "-alt-variant"]
NO_COUNTRIES = {"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB"}


def package(name, version, folder):
    subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, stdout=sys.stderr)
    archive = tarfile.open(f"{folder}/{name}-{version}.tgz")
    return lambda path: json.load(archive.extractfile(f"package/{path}.json"))


def main(version):
    with tempfile.TemporaryDirectory() as folder:
        codes = package("cldr-core", version, folder)("supplemental/codeMappings")["supplemental"]["codeMappings"]
        read = package("cldr-localenames-full", version, folder)
        names = {locale: read(f"main/{locale}/territories")["main"][locale] for locale in LOCALES}
    names = {locale: of["localeDisplayNames"]["territories"] for locale, of in names.items()}
    print(f"# Unicode CLDR {version} (Unicode-3.0 licence), by territories.py: two letters, three letters, names")
    for code in sorted(code for code in names["en"] if len(code) == 2 and code.isalpha() and code not in NO_COUNTRIES):
        found = [names[locale].get(code + form) for locale in LOCALES for form in FORMS]
        found = dict.fromkeys(name for name in found if name and name != code)
        print(code, codes.get(code, {}).get("_alpha3", ""), "|".join(found), sep="\t")


main(sys.argv[1])
