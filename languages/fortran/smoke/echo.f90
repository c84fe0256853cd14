program echo
  implicit none
  integer :: input, output, status
  character :: c
  open (newunit=input, file='/dev/stdin', access='stream', form='unformatted', action='read')
  open (newunit=output, file='/dev/stdout', access='stream', form='unformatted', action='write')
  do
    read (input, iostat=status) c
    if (status /= 0) exit
    write (output) c
  end do
end program echo
