#!/bin/bash
# layers.sh - includes point down only.
#
# The first line of each header in lib/ says "layer N"; a .c file has the layer of the header of its name. Which layer
# may know which is the table below. Only an adapter (layer a) may include a header of a foreign library, in its .c
# file, and it knows no other adapter. The programs in bin/ know lib/ and libc.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

awk '
    BEGIN {
        knows["0"] = "0"
        knows["1"] = "01"
        knows["a"] = "01"
        knows["2"] = "01a2"
        knows["3"] = "01a23"
        knows["bin"] = "01a23"
        foreign = "^(libpq|postgres|pg_|zlib\\.|zstd|zdict|openssl/|xxhash|xxh3|curl/|expat)"
    }
    function wrong(why) {
        printf "%s:%d: %s\n", FILENAME, FNR, why
        failed = 1
    }
    # The headers come twice: first for their layers.
    FNR == 1 {
        name = FILENAME
        sub(/^.*\//, "", name)
        own = name
        sub(/\.c$/, ".h", own)
    }
    reading == "layers" {
        if (FNR == 1) {
            if (match($0, /^\/\* [a-z0-9_]+\.h - layer [0-9a-z]: /) && substr($0, 4, length(name)) == name)
                layer[name] = substr($0, RLENGTH - 2, 1)
            if (!(layer[name] in knows))
                wrong("the first line must begin \"/* " name " - layer N: \", N one of 0 1 a 2 3")
        }
        next
    }
    FNR == 1 {
        mine = FILENAME ~ /^bin\// ? "bin" : layer[own]
        if (mine == "")
            wrong("there is no header " own)
        files++
    }
    /^[ \t]*#[ \t]*include/ {
        system_header = $0 ~ /</
        what = $0
        sub(/^[^<"]*[<"]/, "", what)
        sub(/[>"].*$/, "", what)
        if (system_header && what ~ foreign && !(mine == "a" && FILENAME ~ /\.c$/))
            wrong("only the .c file of an adapter may include <" what ">")
        if (system_header || what == own)
            next
        if (!(what in layer))
            wrong("\"" what "\" is not in lib/")
        else if (index(knows[mine], layer[what]) == 0)
            wrong("layer " mine " may not know \"" what "\", which is of layer " layer[what])
    }
    END {
        if (files == 0) {
            print "layers.sh: no files at all?"
            failed = 1
        }
        exit failed
    }' reading=layers lib/*.h reading=includes lib/*.h lib/*.c bin/*.c
