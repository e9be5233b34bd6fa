"""The same operations by delta-rs, for comparison: python delta_rs.py FOLDER merge-two|merge-all|delete|optimize|open"""

import sys

import pyarrow.parquet
from deltalake import DeltaTable

folder, operation = sys.argv[1:3]
table = DeltaTable(f"{folder}/orders")
if operation.startswith("merge-"):
    source = pyarrow.parquet.read_table(f"{folder}/{operation.removeprefix('merge-')}.parquet")
    merge = table.merge(source, "t.id = s.id", source_alias="s", target_alias="t", streamed_exec=False)
    print(merge.when_matched_update_all().when_not_matched_insert_all().execute())
elif operation == "delete":
    print(table.delete("customer_id < 2000"))
elif operation == "optimize":
    print(table.optimize.compact())
elif operation == "open":
    print(len(table.file_uris()))
else:
    sys.exit(f"unknown operation {operation}")
