from . import a
from .sub import deep
version = '1'
__all__ = ['a', 'later']
def __getattr__(n):
    if n == 'later': return 'lazy'
    raise AttributeError(f'pkg has no {n}')
