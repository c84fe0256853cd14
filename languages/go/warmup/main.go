// The packages that programs import most, so that the names of those files are in the image's list.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"math/rand"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	var lock sync.Mutex
	lock.Lock()
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	numbers := []int{rand.Intn(9), int(math.Sqrt(4)), time.Now().Year()}
	sort.Ints(numbers)
	fmt.Println(strings.TrimSpace(line), strconv.Itoa(numbers[0]), errors.Is(err, nil))
}
