(error "nobody catches this")
