import { Synthesized } from '../../../../support/stacks/synthesized.ts';

describe('the budget', () => {
  const with50 = new Synthesized('prod', { alarms: { monthlyDollars: 50 } });
  const ticket = { Ref: 'TopicsTicket85AFFA83' };

  test('is absent unless it is configured', () => {
    expect(new Synthesized('prod').ofType('AWS::Budgets::Budget')).toEqual([]);
  });

  test('notifies the ticket topic at 80 % of the dollars, and when the forecast of the month exceeds them', () => {
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

  test('may publish to that topic, only from this account', () => {
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
