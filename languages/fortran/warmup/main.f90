! Nothing but a line read: the compiler brings what it needs.
program main
  use, intrinsic :: iso_fortran_env, only: error_unit
  implicit none
  character(80) :: line
  read (*, '(a)') line
  write (error_unit, '(a)') trim(line)
  print *, sqrt(2.0d0)
end program main
