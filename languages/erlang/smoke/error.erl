#!/usr/bin/env escript
main(_) -> error(nobody_catches_this).
