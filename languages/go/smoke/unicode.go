package main

import "fmt"

func main() {
	fmt.Print("Grüße, 世界 🚀")
}
