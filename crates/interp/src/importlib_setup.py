"""importlib over the native import system: its finders and loaders, and specs of the modules imported before it."""

import _frozen_importlib as bootstrap
import _frozen_importlib_external as external
import _imp
import sys

LIBRARY = _imp._library


class LibraryLoader(external._LoaderBasics):
    """Loads modules of the library that is part of the program."""

    def __init__(self, fullname, path):
        self.name = fullname
        self.path = path

    def __eq__(self, other):
        return self.__class__ == other.__class__ and self.__dict__ == other.__dict__

    def __hash__(self):
        return hash(self.name) ^ hash(self.path)

    def get_filename(self, fullname):
        return self.path

    def get_code(self, fullname):
        return _imp._library_code(fullname)

    def get_source(self, fullname):
        return _imp._library_source(fullname)

    def get_data(self, path):
        if path == self.path:
            return self.get_source(self.name).encode()
        raise FileNotFoundError(2, "No such file or directory", path)


class LibraryFinder:
    """Finds modules of the library that is part of the program."""

    def __init__(self, path):
        if path != LIBRARY and not path.startswith(LIBRARY + "/"):
            raise ImportError("no part of the library", path=path)
        self.path = path

    def find_spec(self, fullname, target=None):
        found = _imp._library_module(fullname)
        return new_spec(fullname, *found) if found else None

    def invalidate_caches(self):
        pass

    def iter_modules(self, prefix=""):
        package = self.path[len(LIBRARY) + 1:].replace("/", ".")
        for name, is_package in _imp._library_children(package):
            yield prefix + name, is_package


def zip_hook(path):
    """A path that is a file is taken for a zip archive."""
    global is_importing_zipimport
    if is_importing_zipimport or not external._path_isfile(path):
        raise ImportError("not a file, or one that is looked at for zipimport itself", path=path)
    is_importing_zipimport = True
    try:
        import zipimport
    finally:
        is_importing_zipimport = False
    return zipimport.zipimporter(path)


is_importing_zipimport = False


def new_spec(name, origin, locations):
    """The spec of a module from a file, or of a namespace package if there is no file."""
    if origin is None:
        loader = external.NamespaceLoader(name, locations, external.PathFinder._get_spec)
    elif origin.startswith(LIBRARY + "/"):
        loader = LibraryLoader(name, origin)
    else:
        loader = external.SourceFileLoader(name, origin)
    spec = bootstrap.ModuleSpec(name, loader, origin=origin)
    spec.submodule_search_locations = locations
    spec._set_fileattr = origin is not None
    return spec


def replace_specs():
    """Gives the modules imported so far specs of importlib's class."""
    plain = type(sys.implementation)
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        spec = names.get("__spec__")
        if type(spec) is plain:
            full = new_spec(spec.name, spec.origin, spec.submodule_search_locations)
            full._initializing = spec._initializing
            names["__spec__"] = full
            names["__loader__"] = full.loader


bootstrap._setup(sys, _imp)
external._set_bootstrap_module(bootstrap)
bootstrap._bootstrap_external = external
bootstrap._find_and_load = lambda name, import_: _imp._import_module(name)
sys.meta_path = [bootstrap.BuiltinImporter, bootstrap.FrozenImporter, external.PathFinder]
sys.path_hooks = [zip_hook, LibraryFinder, external.FileFinder.path_hook(*external._get_supported_file_loaders())]
sys.path_importer_cache = {}
replace_specs()
