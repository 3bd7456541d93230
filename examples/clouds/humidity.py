"""How humid is the air around clouds, and how fast does it dry with distance?

Reads the fields of a simulated stratocumulus deck, works out the liquid water in each cell and column, the
distance of each dry cell to the nearest cloud edge and its relative humidity, and prints mean humidity against
distance. Plain Python: each step is a loop over the elements of flat arrays.

A field has shape (time, x, z), z upwards, and lies in an `array('f')`: cell (x, z) of a frame is at
frame * NX * NZ + x * NZ + z. The domain is periodic in x and bounded in z.
"""
import argparse
import os
import re
import struct
import sys
import zlib
from array import array
from math import inf, sqrt

CELL = 1500.0 / 96  # edge of a cell, m
CLOUD_LIMIT = 1e-5  # a cell with more cloud water than this is cloudy, kg/kg
BIN_WIDTH = 50.0  # of the table of humidity against distance, m
MOLAR_MASS_AIR = 28.966e-3  # dry air, kg/mol
MOLAR_MASS_WATER = 18.01528e-3  # kg/mol
EPSILON = MOLAR_MASS_WATER / MOLAR_MASS_AIR
R_DRY = 8.314462618 / MOLAR_MASS_AIR  # gas constant of dry air, J/kg/K
FIELDS = ("qc", "qr", "qv", "T", "p", "RH")


class FieldError(Exception):
    """A field that cannot be used; the message names the file."""


def read_field(path):
    """Return (values, shape) of a .npy file of little-endian float32 (NumPy format 1.0, C order)."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise FieldError(f"{path}: {error.strerror}") from None
    if data[:6] != b"\x93NUMPY":
        raise FieldError(f"{path}: not a .npy file")
    if data[6:8] != b"\x01\x00":
        raise FieldError(f"{path}: not of NumPy format 1.0")
    if len(data) < 10:
        raise FieldError(f"{path}: truncated in its header")
    (header_bytes,) = struct.unpack_from("<H", data, 8)
    start = 10 + header_bytes
    if len(data) < start:
        raise FieldError(f"{path}: truncated in its header")
    header = data[10:start].decode("latin-1")
    match = re.match(r"\{'descr': (.+), 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \}\s*$", header)
    if not match:
        raise FieldError(f"{path}: header not understood: {header.strip()}")
    dtype, fortran_order, numbers = match.groups()
    if dtype != "'<f4'":
        raise FieldError(f"{path}: holds {dtype}, expected '<f4' (little-endian float32)")
    if fortran_order == "True":
        raise FieldError(f"{path}: is in Fortran order, expected C order")
    shape = tuple(int(number) for number in numbers.split(",") if number.strip())
    count = 1
    for extent in shape:
        count *= extent
    if len(data) - start != 4 * count:
        kind = "truncated" if len(data) - start < 4 * count else "too long"
        raise FieldError(f"{path}: {kind}: {len(data) - start} bytes of data, its shape {shape} needs {4 * count}")
    values = array("f")
    values.frombytes(data[start:])
    if sys.byteorder == "big":
        values.byteswap()
    return values, shape


def read_fields(directory):
    """Return ({name: values}, (frames, nx, nz)) of all FIELDS, which must agree in shape."""
    fields, shapes = {}, {}
    for name in FIELDS:
        path = os.path.join(directory, name + ".npy")
        fields[name], shapes[name] = read_field(path)
        if len(shapes[name]) != 3:
            raise FieldError(f"{path}: shape {shapes[name]}, expected (time, x, z)")
        if shapes[name] != shapes["qc"]:
            raise FieldError(f"{path}: shape {shapes[name]} differs from that of qc.npy, {shapes['qc']}")
    return fields, shapes["qc"]


def liquid_water(fields, base, nx, nz, water, path):
    """Fill `water` (nx * nz) with the liquid water content of each cell, kg/m3, and `path` (nx) with that of
    each column, kg/m2. Mixing ratios refer to dry air, so its density is what they are multiplied by."""
    qc, qr, qv, temperature, pressure = (fields[name] for name in ("qc", "qr", "qv", "T", "p"))
    for x in range(nx):
        column = 0.0
        for z in range(nz):
            cell = x * nz + z
            at = base + cell
            density = pressure[at] / (R_DRY * temperature[at] * (1.0 + qv[at] / EPSILON))
            water[cell] = (qc[at] + qr[at]) * density
            column += water[cell] * CELL
        path[x] = column


def vertical_distance(qc, base, nx, nz, vertical):
    """Fill `vertical` with the number of cells to the nearest cloudy cell of the same column: 0 where cloudy,
    infinite where the column is dry."""
    for x in range(nx):
        first = x * nz
        gap = inf
        for z in range(nz):
            gap = 0.0 if qc[base + first + z] > CLOUD_LIMIT else gap + 1.0
            vertical[first + z] = gap
        for z in range(nz - 2, -1, -1):
            if vertical[first + z + 1] + 1.0 < vertical[first + z]:
                vertical[first + z] = vertical[first + z + 1] + 1.0


def edge_distance(vertical, nx, nz, x, z):
    """Distance from the centre of dry cell (x, z) to the nearest edge of a cloudy cell, in cells.

    Walks outwards over the columns on both sides, as far as one of them can still hold something nearer. A
    cloudy cell `along` columns and `up` levels away is a square whose nearest point is half a cell nearer in
    each direction in which it is not level with us.
    """
    best = vertical[x * nz + z] - 0.5
    best *= best
    for along in range(1, nx // 2 + 1):
        across = (along - 0.5) * (along - 0.5)
        if across >= best:
            break
        up = min(vertical[(x - along) % nx * nz + z], vertical[(x + along) % nx * nz + z])
        if up > 0.0:
            up -= 0.5
        if across + up * up < best:
            best = across + up * up
    return sqrt(best)


def cloud_distance(qc, base, nx, nz, vertical, distance):
    """Fill `distance` (nx * nz) with the distance to the nearest cloud edge, m: 0 in cloud, infinite where the
    frame has no cloud. `vertical` (nx * nz) is working space."""
    vertical_distance(qc, base, nx, nz, vertical)
    for x in range(nx):
        for z in range(nz):
            cell = x * nz + z
            distance[cell] = 0.0 if vertical[cell] == 0.0 else CELL * edge_distance(vertical, nx, nz, x, z)


def saturation_pressure(temperature):
    """Saturation vapour pressure over water in Pa, temperature in K: the eighth-order polynomial of Flatau,
    Walko and Cotton (1992, J. Appl. Meteor. 31, 1507), table 4, which the simulation used."""
    t = temperature - 273.15
    return 100.0 * (6.11583699 + t * (0.444606896 + t * (0.143177157e-1 + t * (0.264224321e-3 + t * (
        0.299291081e-5 + t * (0.203154182e-7 + t * (0.702620698e-10 + t * (
            0.379534310e-13 + t * -0.321582393e-15))))))))


class HumidityTable:
    """Mean, spread and extremes of relative humidity in bins of distance from cloud."""

    def __init__(self):
        self.bins = {}  # bin number -> [cells, sum, sum of squares, least, greatest]
        self.largest_difference = 0.0

    def add_frame(self, fields, base, distance):
        """Enter all dry cells of a frame, comparing each with the simulation's own RH."""
        qv, temperature, pressure, diagnosed = fields["qv"], fields["T"], fields["p"], fields["RH"]
        for cell, metres in enumerate(distance):
            if metres == 0.0 or metres == inf:
                continue
            at = base + cell
            vapour_pressure = pressure[at] * qv[at] / (EPSILON + qv[at])
            humidity = vapour_pressure / saturation_pressure(temperature[at])
            self.largest_difference = max(self.largest_difference, abs(humidity - diagnosed[at]))
            row = self.bins.setdefault(int(metres / BIN_WIDTH), [0, 0.0, 0.0, inf, -inf])
            row[0] += 1
            row[1] += humidity
            row[2] += humidity * humidity
            row[3] = min(row[3], humidity)
            row[4] = max(row[4], humidity)

    def __str__(self):
        lines = ["distance from cloud     cells   mean RH    spread     least  greatest",
                 "                  m                   %         %         %         %"]
        for number, (cells, total, squares, least, greatest) in sorted(self.bins.items()):
            mean = total / cells
            spread = sqrt(max(0.0, squares / cells - mean * mean))
            reach = f"{number * BIN_WIDTH:.0f} to {(number + 1) * BIN_WIDTH:.0f}"
            percents = "".join(f"{100.0 * value:10.4f}" for value in (mean, spread, least, greatest))
            lines.append(f"{reach:>19}{cells:>10}{percents}")
        return "\n".join(lines)


def blend(colours, fraction):
    """The colour at `fraction` (0 to 1) of the way through a list of RGB triples."""
    place = min(max(fraction, 0.0), 1.0) * (len(colours) - 1)
    lower = min(int(place), len(colours) - 2)
    weight = place - lower
    return bytes(round(a + (b - a) * weight) for a, b in zip(colours[lower], colours[lower + 1]))


def write_picture(path, nx, nz, cloud, distance, zoom=4):
    """Write a PNG (RGB, 8 bits) of two panels: cloud water, from sky blue to white, and distance to the
    nearest cloud, from cloud white over orange to dark; each from 0 to its greatest value."""
    sky = [(28, 74, 140), (120, 165, 215), (230, 236, 245), (255, 255, 255)]
    heat = [(255, 255, 255), (253, 190, 90), (200, 70, 60), (70, 20, 70), (15, 8, 30)]
    most_cloud = max(cloud) or 1.0
    furthest = max((metres for metres in distance if metres < inf), default=0.0) or 1.0
    lines = []
    for z in range(nz - 1, -1, -1):
        left = b"".join(blend(sky, cloud[x * nz + z] / most_cloud) * zoom for x in range(nx))
        right = b"".join(blend(heat, distance[x * nz + z] / furthest) * zoom for x in range(nx))
        lines.append((b"\0" + left + bytes(3 * 2 * zoom) + right) * zoom)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", (2 * nx + 2) * zoom, nz * zoom, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size)
                   + chunk(b"IDAT", zlib.compress(b"".join(lines), 9)) + chunk(b"IEND", b""))


def parse_frames(text):
    """FIRST:END or a single frame, as a pair (first, end); end None is 'to the last'."""
    match = re.fullmatch(r"(\d+)|(\d*):(\d*)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a frame nor FIRST:END")
    if match[1]:
        return int(match[1]), int(match[1]) + 1
    return int(match[2] or 0), int(match[3]) if match[3] else None


def parse_arguments(arguments):
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--data", metavar="DIR", default=os.path.join(here, "data"),
                        help="directory of the fields (default: data, beside this script)")
    parser.add_argument("--frames", metavar="FIRST:END", type=parse_frames, default=(0, None),
                        help="frames to use, END excluded; or a single frame (default: all)")
    parser.add_argument("--picture", metavar="FRAME", type=int,
                        help="frame to draw (default: the middle one of those used)")
    parser.add_argument("--out", metavar="FILE", default="humidity.png",
                        help="picture to write (default: %(default)s)")
    return parser, parser.parse_args(arguments)


def main(arguments=None):
    parser, options = parse_arguments(arguments)
    try:
        fields, (frames, nx, nz) = read_fields(options.data)
    except FieldError as error:
        print(f"humidity.py: {error}", file=sys.stderr)
        return 1
    first, end = options.frames[0], frames if options.frames[1] is None else options.frames[1]
    if not first < end <= frames:
        parser.error(f"no frames {first}:{end} in fields of {frames} frames")
    picture = (first + end) // 2 if options.picture is None else options.picture
    if not first <= picture < end:
        parser.error(f"frame {picture} to draw is not among the frames used, {first}:{end}")

    zeros = array("d", bytes(8 * nx * nz))
    water, vertical, distance, path = zeros[:], zeros[:], zeros[:], array("d", bytes(8 * nx))
    table = HumidityTable()
    show_progress = sys.stderr.isatty()
    print("frame  cloudy cells  mean water path  greatest water path  greatest content")
    print("                 %             g/m2                 g/m2              g/m3")
    for frame in range(first, end):
        if show_progress:
            print(f"\rframe {frame - first + 1} of {end - first}", end="", file=sys.stderr, flush=True)
        base = frame * nx * nz
        liquid_water(fields, base, nx, nz, water, path)
        cloud_distance(fields["qc"], base, nx, nz, vertical, distance)
        table.add_frame(fields, base, distance)
        if frame == picture:
            try:
                write_picture(options.out, nx, nz, fields["qc"][base:base + nx * nz], distance)
            except OSError as error:
                print(f"humidity.py: {options.out}: {error.strerror}", file=sys.stderr)
                return 1
        cloudy = 100.0 * sum(1 for metres in distance if metres == 0.0) / (nx * nz)
        row = f"{frame:5}{cloudy:14.3f}{1e3 * sum(path) / nx:17.4f}"
        print(f"{row}{1e3 * max(path):21.4f}{1e3 * max(water):18.5f}")
    if show_progress:
        print(file=sys.stderr)
    print(f"\n{table}\n")
    print(f"largest difference from the simulation's own RH: {table.largest_difference:.3e}")
    print(f"frame {picture} drawn: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
