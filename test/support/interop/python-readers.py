"""Reads a Delta table with delta-rs or with DuckDB's delta extension, or runs a script that writes one with them.

    python-readers.py read '{"reader": "delta-rs", "path": "/lake/t", "version": 3, "cdf": null}'
    python-readers.py run  'write_deltalake(arguments[0], pa.table({"a": [1]}))' /lake/t

`read` prints {"columns": [{"name", "type"}], "rows": [[cell]]}; types have Spark's names, cells the form that wire.ts
reads. A script sees deltalake's names, `pa`, `duckdb_connection()` and `arguments`; what it prints is its result.
"""

import datetime
import json
import math
import os
import pathlib
import sys

import deltalake
import duckdb
import duckdb_extension_delta
import pyarrow as pa
import pyarrow.compute as pc

SIMPLE = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "float": "float",
    "double": "double",
    "date32[day]": "date",
}


def duckdb_connection():
    """A connection in UTC with the delta extension loaded from its package, never from the network."""
    folder = pathlib.Path(duckdb_extension_delta.__file__).parent
    (extension,) = folder.glob(f"extensions/v{duckdb.__version__}/*.duckdb_extension")
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def read_delta_rs(path, version, cdf):
    table = deltalake.DeltaTable(path, version=version)
    if cdf:
        batches = table.load_cdf(starting_version=cdf["from"], ending_version=cdf["to"])
        return pa.table(batches)
    query = deltalake.QueryBuilder().register("t", table).execute("SELECT * FROM t")
    return pa.table(query.read_all())


def read_duckdb(path, version, cdf):
    if cdf:
        raise NotImplementedError("DuckDB's delta extension does not read the change data feed")
    connection = duckdb_connection()
    at = "" if version is None else f", version := {int(version)}"
    return connection.execute(f"SELECT * FROM delta_scan(?{at})", [path]).to_arrow_table()


def type_text(t):
    if str(t) in SIMPLE:
        return SIMPLE[str(t)]
    if pa.types.is_decimal(t):
        return f"decimal({t.precision},{t.scale})"
    if pa.types.is_timestamp(t):
        return "timestamp" if t.tz else "timestamp_ntz"
    if is_text(t):
        return "string"
    if is_binary(t):
        return "binary"
    if pa.types.is_dictionary(t):
        return type_text(t.value_type)
    if pa.types.is_map(t):
        return f"map<{type_text(t.key_type)},{type_text(t.item_type)}>"
    if pa.types.is_struct(t):
        return f"struct<{','.join(f'{f.name}:{type_text(f.type)}' for f in t)}>"
    if hasattr(t, "value_type"):
        return f"array<{type_text(t.value_type)}>"
    return str(t)


def is_text(t):
    return pa.types.is_string(t) or pa.types.is_large_string(t) or str(t) == "string_view"


def is_binary(t):
    return pa.types.is_binary(t) or pa.types.is_large_binary(t) or str(t) == "binary_view"


def cells(column, t):
    """The cells of one array, every value as text but NULL and booleans."""
    if pa.types.is_dictionary(t):
        return cells(column.cast(t.value_type), t.value_type)
    if pa.types.is_date(t):
        return [None if days is None else date_text(days) for days in column.cast(pa.int32()).to_pylist()]
    if pa.types.is_timestamp(t):
        zone = "Z" if t.tz else ""
        micros = column.cast(pa.timestamp("us", t.tz)).cast(pa.int64()).to_pylist()
        return [None if value is None else time_text(value) + zone for value in micros]
    if pa.types.is_struct(t):
        fields = [cells(pc.struct_field(column, [i]), t.field(i).type) for i in range(t.num_fields)]
        valid = column.is_valid().to_pylist()
        names = [f.name for f in t]
        return [["s", list(zip(names, row))] if ok else None for ok, row in zip(valid, zip(*fields))]
    if pa.types.is_map(t):
        return [None if not s.is_valid else ["m", entries(s.values, t)] for s in column]
    if hasattr(t, "value_type"):
        return [None if not s.is_valid else ["a", cells(s.values, t.value_type)] for s in column]
    return [text(value) for value in column.to_pylist()]


def entries(pairs, t):
    """Key and item of each entry of one map."""
    if pairs is None or len(pairs) == 0:
        return []
    return list(zip(cells(pairs.field(0), t.key_type), cells(pairs.field(1), t.item_type)))


def text(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, float):
        return ["f", float_text(value)]
    return format(value, "f") if hasattr(value, "as_tuple") else str(value)


def float_text(value):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def date_text(days):
    """ISO 8601, for all years that a file can hold; Python's own dates end at 9999 and begin at 1."""
    cycles = 0
    while not -719162 <= days <= 2932896:
        shift = 1 if days < 0 else -1
        days, cycles = days + shift * 146097, cycles - shift
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days)
    year = day.year + 400 * cycles
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04}-{day:%m-%d}"


def time_text(micros):
    days, rest = divmod(micros, 86_400_000_000)
    seconds, fraction = divmod(rest, 1_000_000)
    return f"{date_text(days)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:06}"


def read(request):
    readers = {"delta-rs": read_delta_rs, "duckdb": read_duckdb}
    table = readers[request["reader"]](request["path"], request["version"], request["cdf"])
    columns = [{"name": f.name, "type": type_text(f.type)} for f in table.schema]
    by_column = [cells(column.combine_chunks(), column.type) for column in table.columns]
    json.dump({"columns": columns, "rows": list(zip(*by_column))}, sys.stdout, ensure_ascii=True)


command, given, *arguments = sys.argv[1:]
if command == "read":
    read(json.loads(given))
else:
    names = {name: getattr(deltalake, name) for name in deltalake.__all__}
    exec(given, {**names, "pa": pa, "duckdb_connection": duckdb_connection, "arguments": arguments})
sys.stdout.flush()
# The readers' thread pools sometimes abort while Python shuts down; everything has been printed by now.
os._exit(0)
