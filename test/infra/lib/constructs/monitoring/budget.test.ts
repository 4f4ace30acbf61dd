import { Synthesized } from '../../../../support/stacks/synthesized.ts';

describe('the budget', () => {
  const with50 = new Synthesized('prod', { alarms: { monthlyDollars: 50 } });
  const ticket = { Ref: 'TopicsTicket85AFFA83' };

  test('is not there unless it is asked for', () => {
    expect(new Synthesized('prod').ofType('AWS::Budgets::Budget')).toEqual([]);
  });

  test('tells the ticket topic at 80 % of the dollars, and when the month is bound for more', () => {
    const [budget] = with50.ofType('AWS::Budgets::Budget');

    expect(budget?.Properties.Budget.BudgetLimit).toEqual({ Amount: 50, Unit: 'USD' });
    expect(
      budget?.Properties.NotificationsWithSubscribers.map(
        ({ Notification, Subscribers }: { Notification: Record<string, unknown>; Subscribers: unknown }) => [
          Notification.NotificationType,
          Notification.Threshold,
          Subscribers,
        ],
      ),
    ).toEqual([
      ['ACTUAL', 80, [{ SubscriptionType: 'SNS', Address: ticket }]],
      ['FORECASTED', 100, [{ SubscriptionType: 'SNS', Address: ticket }]],
    ]);
  });

  test('may publish to that topic, from this account alone', () => {
    const statements = with50
      .ofType('AWS::SNS::TopicPolicy')
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Principal }) => Principal.Service === 'budgets.amazonaws.com');

    expect(statements).toEqual([
      expect.objectContaining({
        Action: 'sns:Publish',
        Resource: ticket,
        Condition: { StringEquals: { 'aws:SourceAccount': '333333333333' } },
      }),
    ]);
  });
});
