// Runs without the SDK, since its folder is all that is deployed of it.

const call = async (target, input) => {
  const response = await fetch(process.env.AWS_ENDPOINT_URL, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': target,
      authorization: `AWS4-HMAC-SHA256 Credential=${process.env.AWS_ACCESS_KEY_ID}/20300101/us-east-1/any/aws4_request, SignedHeaders=host, Signature=00`,
      'x-amz-date': '20300101T000000Z',
    },
    body: JSON.stringify(input),
  });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
};

exports.handler = async ({ Records, requestContext, pathParameters, body }) => {
  const { TABLE: TableName, QUEUE: QueueUrl } = process.env;
  if (Records !== undefined) {
    for (const { body: Item } of Records) {
      await call('DynamoDB_20120810.PutItem', { TableName, Item: JSON.parse(Item) });
    }
    return undefined;
  }
  const id = { S: pathParameters.id };
  if (requestContext.http.method === 'PUT') {
    await call('AmazonSQS.SendMessage', { QueueUrl, MessageBody: JSON.stringify({ id, text: { S: body } }) });
    return { statusCode: 202 };
  }
  const { Item } = await call('DynamoDB_20120810.GetItem', { TableName, Key: { id }, ConsistentRead: true });
  return Item === undefined ? { statusCode: 404 } : { statusCode: 200, body: Item.text.S };
};
