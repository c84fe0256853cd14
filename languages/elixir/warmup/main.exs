# The modules that programs use most, so that the names of those files are in the image's list.
line = IO.gets("")
IO.puts(line |> String.split() |> Enum.map(&String.upcase/1) |> Enum.join(" "))
IO.inspect(Map.new([{1, MapSet.new([2])}]))
