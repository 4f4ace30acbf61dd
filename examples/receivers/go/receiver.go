// Receives deliveries: SECRET=whsec_… PORT=9999 go run .
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type delivery struct {
	Type string
	Data struct{ ID, Subject, Order string }
}

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("SECRET"))
	check(err)
	var lock sync.Mutex
	held := map[string]string{} // The greatest order of each subject; yours belongs into your database.

	receive := func(response http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		var event delivery
		if err != nil || webhook.Verify(body, request.Header) != nil || json.Unmarshal(body, &event) != nil {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		lock.Lock()
		defer lock.Unlock()
		// Repeats and what was overtaken have no greater order; a receiver.test has no subject.
		if data := event.Data; data.Subject != "" && data.Order > held[data.Subject] {
			held[data.Subject] = data.Order
			fmt.Println(event.Type, data.ID)
		}
		response.WriteHeader(http.StatusNoContent)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	check(err)
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	check(http.Serve(listener, http.HandlerFunc(receive)))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
