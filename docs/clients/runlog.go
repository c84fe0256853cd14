// Runs a program on Runlog as if it ran here: go run runlog.go LANG FILE <input
//
// RUNLOG_URL says where Runlog is. Go 1.18 or later, without modules.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	wait     = 30 * time.Second // for which the server may hold a question for the result
	patience = 5 * time.Minute  // of being put off, after which this gives up
)

type submission struct {
	Lang     string `json:"lang"`
	Code     string `json:"code"`
	StdInput string `json:"stdInput"`
}

type result struct {
	Status    string `json:"status"`
	Verdict   string `json:"verdict"`
	StdOutput string `json:"stdOutput"`
	StdError  string `json:"stdError"`
	ExitCode  *int   `json:"exitCode"`
}

var (
	server = "http://127.0.0.1:3005"
	client = http.Client{Timeout: wait + 30*time.Second}
)

// once asks a single time: the status, when to ask again, and what was said. A body makes it a POST.
func once(path string, body []byte) (int, time.Duration, []byte, error) {
	method, content := http.MethodGet, io.Reader(nil)
	if body != nil {
		method, content = http.MethodPost, bytes.NewReader(body)
	}
	request, err := http.NewRequest(method, server+path, content)
	if err != nil {
		return 0, 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return 0, 0, nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	seconds, wrong := strconv.Atoi(answer.Header.Get("Retry-After"))
	if wrong != nil && answer.StatusCode >= 300 {
		seconds = 1
	}
	return answer.StatusCode, time.Duration(seconds) * time.Second, said, err
}

// ask decodes the answer into value, and says when to ask again. It tries again as long as the server says that it cannot answer
// now. When the connection breaks, only a question is repeated: a submission may have been accepted, and would be executed twice.
func ask(path string, body []byte, value any) (time.Duration, error) {
	giveUp := time.Now().Add(patience)
	for {
		status, pause, said, err := once(path, body)
		switch {
		case err != nil && body != nil:
			return 0, fmt.Errorf("not known to be accepted: %w", err)
		case err != nil:
			pause, said = time.Second, []byte(err.Error())
		case status < 300:
			return pause, json.Unmarshal(said, value)
		case status != http.StatusRequestTimeout && status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable:
			return 0, fmt.Errorf("refused with %d: %s", status, said)
		}
		if time.Now().Add(pause).After(giveUp) {
			return 0, fmt.Errorf("no answer for %v; the last: %s", patience, said)
		}
		time.Sleep(pause)
	}
}

// run is the result of a program.
func run(program submission) (*result, error) {
	body, err := json.Marshal(program)
	if err != nil {
		return nil, err
	}
	var accepted struct {
		ID string `json:"codeSubmissionId"`
	}
	if _, err := ask("/api/submit", body, &accepted); err != nil {
		return nil, err
	}
	path := fmt.Sprintf("/api/result/%s?wait=%d", accepted.ID, int(wait.Seconds()))
	for {
		var seen result
		pause, err := ask(path, nil, &seen)
		if err != nil || seen.Status == "completed" {
			return &seen, err
		}
		time.Sleep(pause)
	}
}

func fail(what any) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(1)
}

func main() {
	if len(os.Args) != 3 {
		fail("usage: runlog LANG FILE <input")
	}
	if url := os.Getenv("RUNLOG_URL"); url != "" {
		server = url
	}
	code, err := os.ReadFile(os.Args[2])
	if err != nil {
		fail(err)
	}
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	seen, err := run(submission{os.Args[1], string(code), string(input)})
	if err != nil {
		fail(err)
	}
	fmt.Print(seen.StdOutput)
	fmt.Fprint(os.Stderr, seen.StdError)
	if seen.Verdict != "OK" {
		fmt.Fprintln(os.Stderr, seen.Verdict)
	}
	if seen.ExitCode == nil {
		os.Exit(1)
	}
	os.Exit(*seen.ExitCode)
}
