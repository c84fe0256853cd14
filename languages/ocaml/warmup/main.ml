(* The modules that programs use most, so that the names of those files are in the image's list. *)
module Words = Map.Make (String)
module Seen = Set.Make (Int)

let () =
  let line = read_line () in
  let words = List.fold_left (fun all word -> Words.add word 1 all) Words.empty (Str.split (Str.regexp " ") line) in
  let table = Hashtbl.create 8 in
  Hashtbl.replace table line (Seen.cardinal (Seen.singleton (Array.length [| Unix.getpid () |])));
  Printf.printf "%d %d %s\n" (Words.cardinal words) (Hashtbl.length table) (String.uppercase_ascii line)
