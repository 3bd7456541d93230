import cyc2
x = 1
from cyc2 import y
