program both
  use, intrinsic :: iso_fortran_env, only: error_unit
  print '(a)', 'to stdout'
  write (error_unit, '(a)') 'to stderr'
end program both
