"""zxcvbn: how good passwords are."""
from measure import measure
from zxcvbn import zxcvbn

PASSWORDS = ["correct horse battery staple", "Tr0ub4dour&3", "qwerty123!", "19790527", "zxcvbnm,./", "aaaaabbbbb", "D0g..................", "jan2024summer"]


def run():
    results = []
    for password in PASSWORDS:
        found = zxcvbn(password, user_inputs=["adder"])
        results.append((found["score"], float(found["guesses"]), [match["pattern"] for match in found["sequence"]]))
    return results


measure(run)
