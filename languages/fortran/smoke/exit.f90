program ends
  stop 3, quiet=.true.
end program ends
