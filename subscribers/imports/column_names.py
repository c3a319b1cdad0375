"""What people call their columns, in several languages; without spaces and marks, lower case."""

AS_LAST_NAME = frozenset({"name", "nama"})  # beside a first name
AS_TAGS = frozenset({"interests", "interessen", "minat"})  # where there is no field of that name
# Names of fields that many keep of their own, in several languages.
ALIKE_FIELDS: tuple[frozenset[str], ...] = (
    frozenset({"city", "town", "stadt", "ort", "kota", "ville", "ciudad"}),
    frozenset({"interests", "interest", "interessen", "minat", "interets", "intereses"}),
    frozenset({"birthday", "birthdate", "dateofbirth", "dob", "geburtstag", "geburtsdatum"})
    | {"tanggallahir", "datedenaissance", "fechadenacimiento"},
    frozenset({"phone", "telephone", "telefon", "telepon", "mobile", "handy"}),
    frozenset({"country", "land", "negara", "pays", "pais"}),
    frozenset({"company", "organisation", "organization", "firma", "perusahaan", "empresa"}),
)
