"""tomlkit: a document that is read, changed and written with its comments."""
import tomlkit
from measure import measure

TEXT = "# head\n" + "".join(
    f"[table{n}] # about {n}\nname = \"x{n}\"\nvalues = [1, {n}, 3] # three\ninner = {{ a = {n}, b = 'c' }}\n\n" for n in range(50)
)


def edit():
    document = tomlkit.parse(TEXT)
    for n in range(0, 50, 3):
        document[f"table{n}"]["values"].append(n)
        document[f"table{n}"]["extra"] = {"k": n}
    return tomlkit.dumps(document)


measure(edit)
