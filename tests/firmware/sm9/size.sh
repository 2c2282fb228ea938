#!/bin/sh
# size.sh FIRMWARE: bytes of code and constants that SM9 takes on the microcontroller, from that build folder.
set -eu
arm-none-eabi-size "$1/card/sm9/libtally-card-sm9.a" | awk 'NR > 1 { n += $1 } END { print "sm9.m33.code_bytes " n }'
