"""One ClickHouse node in this process, out of libchdb, which is all of ClickHouse as a library.

    python clickhouse_node.py libchdb.so config.xml

Its documented function `chdb_query_cmdline` is the main function of clickhouse-local, which can
listen. The node serves until its standard input ends, so that it never outlives its parent.
"""

import ctypes
import sys

LISTEN_AND_WAIT = (
    "SYSTEM START LISTEN TCP; "
    "SELECT count() FROM file('-', 'LineAsString', 'line String') FORMAT Null"
)


def main(library: str, configuration: str) -> None:
    chdb = ctypes.CDLL(library)
    chdb.chdb_query_cmdline.restype = ctypes.c_void_p
    chdb.chdb_query_cmdline.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)]
    chdb.chdb_result_error.restype = ctypes.c_char_p
    chdb.chdb_result_error.argtypes = [ctypes.c_void_p]
    arguments = ("clickhouse-local", "--config-file", configuration, "--query", LISTEN_AND_WAIT)
    encoded = [argument.encode() for argument in arguments]
    argv = (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)
    result = chdb.chdb_query_cmdline(len(encoded), argv)
    error = chdb.chdb_result_error(result) if result else None
    if error:
        sys.exit(error.decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
