from . import sub
from . import b
name = __name__, __package__
