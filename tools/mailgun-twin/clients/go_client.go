// Sends, lists and suppresses at a twin of Mailgun with Mailgun's own client; ends with an error where a reply is wrong.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/mailgun/mailgun-go/v4"
	"github.com/mailgun/mailgun-go/v4/events"
)

func check(what string, isRight bool, seen any) {
	if !isRight {
		fmt.Printf("✖ %s: %+v\n", what, seen)
		os.Exit(1)
	}
	fmt.Println("✔", what)
}

func succeed(what string, err error) { check(what, err == nil, err) }

func main() {
	url, key, domain := os.Args[1], os.Args[2], os.Args[3]
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := mailgun.NewMailgun(domain, key)
	client.SetAPIBase(url + "/v3")
	started := time.Now()

	sent := followWebhooks(ctx, client, url, domain)
	listEvents(ctx, client, started, sent)
	suppress(ctx, client)
}

// followWebhooks sends three mails while its own URL is registered, and returns the id of the first.
func followWebhooks(ctx context.Context, client *mailgun.MailgunImpl, url, domain string) string {
	client.SetWebhookSigningKey(signingKey(url, client.APIKey()))
	posted := make(chan bool, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		var payload mailgun.WebhookPayload
		err := json.NewDecoder(request.Body).Decode(&payload)
		isSigned, _ := client.VerifyWebhookSignature(payload.Signature)
		event, parseErr := mailgun.ParseEvent(payload.EventData)
		posted <- err == nil && parseErr == nil && isSigned && event.GetName() == "delivered"
	}))
	defer receiver.Close()

	hooks, err := client.ListWebhooks(ctx)
	succeed("webhooks are listed", err)
	before := hooks["delivered"]
	if len(before) > 0 {
		succeed("webhook is removed", client.DeleteWebhook(ctx, "delivered"))
		defer func() { succeed("webhook is as before", client.UpdateWebhook(ctx, "delivered", before)) }()
	} else {
		defer func() { succeed("webhook is removed", client.DeleteWebhook(ctx, "delivered")) }()
	}
	succeed("webhook is created", client.CreateWebhook(ctx, "delivered", []string{receiver.URL}))
	both := append([]string{receiver.URL}, before...)
	succeed("webhook is updated", client.UpdateWebhook(ctx, "delivered", both))
	urls, err := client.GetWebhook(ctx, "delivered")
	succeed("webhook is read", err)
	check("webhook has both URLs", strings.Join(urls, " ") == strings.Join(both, " "), urls)

	first := ""
	for _, name := range []string{"ada", "bob", "eve"} {
		mail := mailgun.NewMessage("shop@"+domain, "Your order", "Hello", name+"@example.org")
		succeed("mail has a tag", mail.AddTag("go-"+name))
		succeed("mail has a variable", mail.AddVariable("order", "R-7"))
		_, id, err := client.Send(ctx, mail)
		succeed("mail is sent", err)
		if first == "" {
			first = id
		}
	}
	for range 3 {
		select {
		case isRight := <-posted:
			check("client parses and verifies the webhook", isRight, isRight)
		case <-time.After(20 * time.Second):
			check("webhook comes", false, "nothing in 20 s")
		}
	}
	return first
}

// signingKey is read without the client, which has no method for it.
func signingKey(url, key string) string {
	request, _ := http.NewRequest(http.MethodGet, url+"/v5/accounts/http_signing_key", nil)
	request.SetBasicAuth("api", key)
	response, err := http.DefaultClient.Do(request)
	succeed("signing key is read", err)
	defer response.Body.Close()
	var reply struct {
		Key string `json:"http_signing_key"`
	}
	succeed("signing key is JSON", json.NewDecoder(response.Body).Decode(&reply))
	return reply.Key
}

func listEvents(ctx context.Context, client *mailgun.MailgunImpl, started time.Time, sent string) {
	find := func(filter map[string]string) []string {
		listing := client.ListEvents(&mailgun.ListEventOptions{
			Begin: started.Add(-time.Minute), ForceAscending: true, Limit: 1, Filter: filter,
		})
		found := []string{}
		var page []mailgun.Event
		for listing.Next(ctx, &page) {
			for _, event := range page {
				found = append(found, event.GetName())
				if delivered, ok := event.(*events.Delivered); ok {
					found = append(found, delivered.Recipient)
				}
			}
		}
		succeed("events are listed page by page", listing.Err())
		return found
	}
	ofOne := find(map[string]string{"message-id": strings.Trim(sent, "<>")})
	check("events of one message", strings.Join(ofOne, " ") == "accepted delivered ada@example.org", ofOne)
	tagged := find(map[string]string{"tags": "go-bob", "event": "delivered"})
	check("events by tag", strings.Join(tagged, " ") == "delivered bob@example.org", tagged)
}

func suppress(ctx context.Context, client *mailgun.MailgunImpl) {
	const one, other = "ada+news@example.org", "bob@example.org"
	isThere := func(what string, addresses []string) {
		check(what+" are read page by page", strings.Contains(strings.Join(addresses, " "), one), addresses)
	}

	succeed("bounce is added", client.AddBounce(ctx, one, "550", "No such user"))
	succeed("bounces are added", client.AddBounces(ctx, []mailgun.Bounce{{Address: other, Code: "550"}}))
	bounce, err := client.GetBounce(ctx, one)
	succeed("bounce is read", err)
	check("bounce has its code", bounce.Code == "550" && bounce.Address == one, bounce)
	var bounces []mailgun.Bounce
	addresses := []string{}
	for listing := client.ListBounces(&mailgun.ListOptions{Limit: 1}); listing.Next(ctx, &bounces); {
		for _, each := range bounces {
			addresses = append(addresses, each.Address)
		}
	}
	isThere("bounces", addresses)
	succeed("bounce is deleted", client.DeleteBounce(ctx, one))
	succeed("other bounce is deleted", client.DeleteBounce(ctx, other))
	_, err = client.GetBounce(ctx, one)
	check("deleted bounce is a 404", mailgun.GetStatusFromErr(err) == http.StatusNotFound, err)

	succeed("unsubscribe is added", client.CreateUnsubscribe(ctx, other, "news"))
	check("unsubscribe has its tag", tagsOf(ctx, client, other) == "news", tagsOf(ctx, client, other))
	both := mailgun.Unsubscribe{Address: one, Tags: []string{"news", "offers"}}
	succeed("unsubscribes are added", client.CreateUnsubscribes(ctx, []mailgun.Unsubscribe{both}))
	succeed("tag of an unsubscribe is deleted", client.DeleteUnsubscribeWithTag(ctx, one, "offers"))
	check("its other tag is kept", tagsOf(ctx, client, one) == "news", tagsOf(ctx, client, one))
	succeed("unsubscribe is deleted", client.DeleteUnsubscribe(ctx, one))
	succeed("other unsubscribe is deleted", client.DeleteUnsubscribe(ctx, other))

	succeed("complaint is added", client.CreateComplaint(ctx, one))
	succeed("complaints are added", client.CreateComplaints(ctx, []string{other}))
	complaint, err := client.GetComplaint(ctx, other)
	succeed("complaint is read", err)
	check("complaint has its address", complaint.Address == other, complaint)
	succeed("complaint is deleted", client.DeleteComplaint(ctx, one))
	succeed("other complaint is deleted", client.DeleteComplaint(ctx, other))
}

func tagsOf(ctx context.Context, client *mailgun.MailgunImpl, address string) string {
	unsubscribe, err := client.GetUnsubscribe(ctx, address)
	succeed("unsubscribe is read", err)
	return strings.Join(unsubscribe.Tags, " ")
}
