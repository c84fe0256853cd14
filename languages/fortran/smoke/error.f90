program fails
  error stop 'nobody catches this'
end program fails
