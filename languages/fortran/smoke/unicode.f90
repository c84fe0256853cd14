program unicode
  write (*, '(a)', advance='no') 'Grüße, 世界 🚀'
end program unicode
