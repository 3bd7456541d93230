"""What sysconfig would read from the Makefile: the same for all machines but for the name of the machine."""

import sys


def variables(multiarch):
    prefix = sys.prefix
    return {
        'CONFIG_ARGS': '',
        'EXE': '',
        'EXT_SUFFIX': f'.adder-314-{multiarch}.so',
        'HAVE_FORK': 1,
        'HAVE_FORKPTY': 1,
        'HOST_GNU_TYPE': multiarch,
        'LIBDIR': f'{prefix}/lib',
        'MULTIARCH': multiarch,
        'Py_DEBUG': 0,
        'Py_GIL_DISABLED': 0,
        'SHLIB_SUFFIX': '.so',
        'SIZEOF_VOID_P': 8,
        'SOABI': f'adder-314-{multiarch}',
        'VERSION': '3.14',
        'WITH_PYMALLOC': 0,
        'exec_prefix': sys.exec_prefix,
        'prefix': prefix,
    }
