"""Doc of mod."""
print("mod runs", __name__)
x = 1
_hidden = 2
def f(): return x
def setx(v):
    global x
    x = v
