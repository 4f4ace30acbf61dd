import com.mailgun.api.v1.MailgunLogsApi;
import com.mailgun.api.v3.MailgunEventsApi;
import com.mailgun.api.v3.MailgunMessagesApi;
import com.mailgun.api.v3.MailgunWebhooksApi;
import com.mailgun.api.v3.suppression.MailgunSuppressionBouncesApi;
import com.mailgun.api.v3.suppression.MailgunSuppressionComplaintsApi;
import com.mailgun.api.v3.suppression.MailgunSuppressionUnsubscribeApi;
import com.mailgun.client.MailgunClient;
import com.mailgun.enums.WebhookName;
import com.mailgun.model.Filter;
import com.mailgun.model.FilterItem;
import com.mailgun.model.events.EventItem;
import com.mailgun.model.events.EventsQueryOptions;
import com.mailgun.model.logs.LogsPagination;
import com.mailgun.model.logs.LogsRequest;
import com.mailgun.model.message.Message;
import com.mailgun.model.suppression.bounces.BouncesRequest;
import com.mailgun.model.suppression.complaints.ComplaintsSingleItemRequest;
import com.mailgun.model.suppression.unsubscribe.UnsubscribeItem;
import com.mailgun.model.suppression.unsubscribe.UnsubscribeSingleItemRequest;
import com.mailgun.model.webhooks.WebhookRequest;
import com.mailgun.model.webhooks.WebhookUpdateRequest;
import com.sun.net.httpserver.HttpServer;
import feign.FeignException;
import feign.Logger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Sends, lists and suppresses at a twin of Mailgun with Mailgun's own client; ends with an error where a reply is wrong. */
class JavaClient {
  static final String ONE = "ada+news@example.org";
  static MailgunClient.MailgunClientBuilder client;
  static String domain;

  public static void main(String[] arguments) throws Exception {
    client = MailgunClient.config(arguments[0] + "/", arguments[1]).logLevel(Logger.Level.NONE);
    domain = arguments[2];
    ZonedDateTime started = ZonedDateTime.now();

    String first = followWebhooks();
    listEvents(started, first);
    listLogs();
    suppress();
  }

  static void check(String what, boolean isRight, Object seen) {
    System.out.println((isRight ? "✔ " : "✖ ") + what + (isRight ? "" : ": " + seen));
    if (!isRight) System.exit(1);
  }

  /** Sends three mails while its own URL is registered, and returns the id of the first. */
  static String followWebhooks() throws Exception {
    var posted = new LinkedBlockingQueue<String>();
    var receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    receiver.createContext("/", exchange -> {
      posted.add(new String(exchange.getRequestBody().readAllBytes()));
      exchange.sendResponseHeaders(200, -1);
      exchange.close();
    });
    receiver.start();
    String own = "http://127.0.0.1:" + receiver.getAddress().getPort() + "/";

    var webhooks = client.createApi(MailgunWebhooksApi.class);
    var delivered = webhooks.getAllWebhooks(domain).getWebhooks().getDelivered();
    var before = delivered == null ? List.<String>of() : delivered.getUrls();
    try {
      if (!before.isEmpty()) webhooks.deleteWebhook(domain, WebhookName.DELIVERED);
      webhooks.createNewWebhook(
          domain, WebhookRequest.builder().webhookName(WebhookName.DELIVERED).url(own).build());
      webhooks.updateWebhook(
          domain, WebhookName.DELIVERED, WebhookUpdateRequest.builder().url(own).urls(before).build());
      var urls = webhooks.getWebhookDetails(domain, WebhookName.DELIVERED).getWebhook().getUrls();
      check("webhook has both URLs", urls.contains(own) && urls.containsAll(before), urls);

      var messages = client.createApi(MailgunMessagesApi.class);
      var ids = new ArrayList<String>();
      for (String name : List.of("ada", "bob", "eve")) {
        var mail = Message.builder()
            .from("shop@" + domain).to(name + "@example.org").subject("Your order").text("Hello")
            .tag("java-" + name);
        ids.add(messages.sendMessage(domain, mail.build()).getId());
      }
      check("message ids differ", Set.copyOf(ids).size() == 3, ids);
      for (int nth = 1; nth <= 3; nth++) {
        String body = posted.poll(20, TimeUnit.SECONDS);
        check("webhook comes", body != null && body.contains("\"event\":\"delivered\""), body);
      }
      return ids.get(0);
    } finally {
      if (before.isEmpty()) webhooks.deleteWebhook(domain, WebhookName.DELIVERED);
      else webhooks.updateWebhook(
          domain, WebhookName.DELIVERED, WebhookUpdateRequest.builder().urls(before).build());
      receiver.stop(0);
    }
  }

  static void listEvents(ZonedDateTime started, String messageId) {
    var api = client.createApi(MailgunEventsApi.class);
    var query = EventsQueryOptions.builder().begin(started.minusMinutes(1)).ascending(true).limit(1);
    var page = api.getEvents(domain, query.messageId(messageId.replaceAll("[<>]", "")).build());
    var found = new ArrayList<EventItem>();
    while (!page.getItems().isEmpty()) {
      found.addAll(page.getItems());
      page = api.getEvents(domain, page.getPaging().getNext().replaceAll(".*/", ""));
    }
    var names = found.stream().map(EventItem::getEvent).toList();
    check("events of one message, page by page", names.equals(List.of("accepted", "delivered")), found);
    check("events have a recipient", found.get(1).getRecipient().equals("ada@example.org"), found);

    var tagged = EventsQueryOptions.builder()
        .begin(started.minusMinutes(1)).ascending(true).tags("java-bob").eventFieldFilterExpression("delivered");
    var items = api.getEvents(domain, tagged.build()).getItems();
    check("events by tag", items.size() == 1 && items.get(0).getRecipient().equals("bob@example.org"), items);
  }

  static void listLogs() {
    var value = FilterItem.FilterItemValue.builder().label("java-eve").value("java-eve").build();
    var byTag = FilterItem.builder().attribute("tag").comparator("=").values(List.of(value)).build();
    var request = LogsRequest.builder()
        .events(Set.of("delivered"))
        .filter(Filter.builder().and(List.of(byTag)).build())
        .includeTotals(true)
        .pagination(LogsPagination.builder().sort("timestamp:desc").limit(10).build());
    var logs = client.createApi(MailgunLogsApi.class).getLogs(request.build());
    check("logs by tag", logs.getItems().get(0).getRecipient().equals("eve@example.org"), logs);
  }

  static void suppress() {
    var bounces = client.createApi(MailgunSuppressionBouncesApi.class);
    bounces.addBounce(domain, BouncesRequest.builder().address(ONE).code("550").error("No such user").build());
    bounces.addBounces(domain, List.of(BouncesRequest.builder().address("bob@example.org").code("550").build()));
    var bounce = bounces.getBounce(domain, ONE);
    check("bounce has its code and time", bounce.getCode().equals("550") && bounce.getCreatedAt() != null, bounce);
    var listed = bounces.getBounces(domain).getItems();
    check("bounces are listed", listed.stream().anyMatch(each -> each.getAddress().equals(ONE)), listed);
    bounces.deleteBounce(domain, ONE);
    bounces.deleteBounce(domain, "bob@example.org");
    try {
      bounces.getBounce(domain, ONE);
      check("deleted bounce is gone", false, ONE);
    } catch (FeignException.NotFound notFound) {
      check("deleted bounce is a 404", true, notFound);
    }

    var unsubscribes = client.createApi(MailgunSuppressionUnsubscribeApi.class);
    unsubscribes.addAddressToUnsubscribeTable(
        domain, UnsubscribeSingleItemRequest.builder().address("bob@example.org").tag("news").build());
    unsubscribes.addAddressesToUnsubscribeTable(
        domain, List.of(UnsubscribeItem.builder().address(ONE).tags(List.of("news", "offers")).build()));
    var unsubscribe = unsubscribes.getSingleUnsubscribe(domain, ONE);
    check("unsubscribe has its tags", unsubscribe.getTags().equals(List.of("news", "offers")), unsubscribe);
    unsubscribes.removeAddressFromUnsubscribeList(domain, ONE);
    unsubscribes.removeAddressFromUnsubscribeList(domain, "bob@example.org");

    var complaints = client.createApi(MailgunSuppressionComplaintsApi.class);
    complaints.addAddressToComplaintsList(domain, ComplaintsSingleItemRequest.builder().address(ONE).build());
    var complaint = complaints.getSingleComplaint(domain, ONE);
    check("complaint has its address and time", complaint.getAddress().equals(ONE) && complaint.getCreatedAt() != null, complaint);
    complaints.removeAddressFromComplaints(domain, ONE);
  }
}
