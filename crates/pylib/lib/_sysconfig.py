"""Facts about how the interpreter was built, for sysconfig."""


def config_vars():
    return {'Py_GIL_DISABLED': 0, 'Py_DEBUG': 0}
