;; The namespaces that programs require most.
(require '[clojure.string :as string] '[clojure.set :as set] '[clojure.edn :as edn])
(println (string/upper-case (read-line)) (set/union #{1} #{2}) (edn/read-string "[1]"))
