import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { buildStack, type Resource, Synthesized } from '../../../support/stacks/synthesized.ts';

const ON = { dashboard: { enabled: true } };
const prod = new Synthesized('prod', ON);

const BUCKET = 'DashboardBucketA782FB5B';
const DISTRIBUTION = 'DashboardDistribution90702DDE';
const API_URL = { 'Fn::GetAtt': ['ReadApiHttpApi5E49EAA9', 'ApiEndpoint'] };
const OBJECTS = { 'Fn::Join': ['', [{ 'Fn::GetAtt': [BUCKET, 'Arn'] }, '/*']] };

test.each(['dev', 'staging', 'prod'])('%s has no dashboard unless its configuration enables it', (env) => {
  const stack = new Synthesized(env);

  expect(stack.ofType('AWS::CloudFront::Distribution')).toEqual([]);
  expect(stack.ofType('AWS::S3::Bucket')).toEqual([]);
  expect(Object.keys(stack.outputs)).not.toContain('DashboardUrl');
});

test('synthesizes without a warning, by the rules of the stack', () => {
  expect(Annotations.fromStack(buildStack('prod', ON)).findWarning('*', Match.anyValue())).toEqual([]);
});

describe('the bucket', () => {
  test('is the only one, is encrypted, and is closed to public lists and policies', () => {
    expect(prod.ofType('AWS::S3::Bucket')).toHaveLength(1);
    expect(prod.resources[BUCKET]?.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
    });
  });

  test('is emptied and deleted with the stack, or after a failed deploy', () => {
    const { DeletionPolicy, Properties } = prod.resources[BUCKET]!;
    const [deployment] = prod.ofType('Custom::CDKBucketDeployment');
    const tags = ((Properties.Tags ?? []) as { Key: string }[]).map(({ Key }) => Key);

    expect([DeletionPolicy, deployment?.Properties.RetainOnDelete]).toEqual(['Delete', false]);
    // The deployment empties no bucket that is tagged as its own.
    expect(tags.filter((key) => key.startsWith('aws-cdk:cr-owned'))).toEqual([]);
  });

  test('is readable only by this distribution, over TLS', () => {
    const [policy] = prod.ofType('AWS::S3::BucketPolicy');
    const allowed = policy!.Properties.PolicyDocument.Statement.filter(
      ({ Effect }: { Effect: string }) => Effect === 'Allow',
    );

    expect(allowed).toEqual([
      {
        Effect: 'Allow',
        Action: 's3:GetObject',
        Principal: { Service: 'cloudfront.amazonaws.com' },
        Resource: OBJECTS,
        Condition: {
          StringEquals: {
            'AWS:SourceArn': {
              'Fn::Join': [
                '',
                [
                  'arn:',
                  { Ref: 'AWS::Partition' },
                  ':cloudfront::',
                  { Ref: 'AWS::AccountId' },
                  ':distribution/',
                  { Ref: DISTRIBUTION },
                ],
              ],
            },
          },
        },
      },
    ]);
    expect(policy!.Properties.PolicyDocument.Statement).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
  });
});

describe('the distribution', () => {
  const config = prod.resources[DISTRIBUTION]!.Properties.DistributionConfig;
  const headersOf = ({ ResponseHeadersPolicyId }: Resource) =>
    prod.resources[ResponseHeadersPolicyId.Ref]!.Properties.ResponseHeadersPolicyConfig;
  const behaviours: Resource[] = [config.DefaultCacheBehavior, ...config.CacheBehaviors];

  test('signs its requests to the bucket', () => {
    const [origin] = config.Origins;

    expect(origin.DomainName).toEqual({ 'Fn::GetAtt': [BUCKET, 'RegionalDomainName'] });
    const [controlId] = origin.OriginAccessControlId['Fn::GetAtt'];
    expect(prod.resources[controlId]?.Properties.OriginAccessControlConfig).toMatchObject({
      OriginAccessControlOriginType: 's3',
      SigningBehavior: 'always',
      SigningProtocol: 'sigv4',
    });
  });

  test('serves the page at its root, over HTTPS only', () => {
    expect(config.DefaultRootObject).toBe('index.html');
    expect(behaviours.map(({ ViewerProtocolPolicy }) => ViewerProtocolPolicy)).toEqual([
      'redirect-to-https',
      'redirect-to-https',
    ]);
  });

  test('caches files with a hash in their name permanently, and revalidates all others', () => {
    const [CACHING_DISABLED, CACHING_OPTIMIZED] = [
      '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
      '658327ea-f89d-4fab-a63d-7e88639e58f6',
    ];
    const rules = behaviours.map((behaviour) => {
      const { Items } = headersOf(behaviour).CustomHeadersConfig;
      const cacheControl = Items.find(({ Header }: { Header: string }) => Header === 'cache-control').Value;
      return [behaviour.PathPattern, behaviour.CachePolicyId, cacheControl];
    });

    expect(rules).toEqual([
      [undefined, CACHING_DISABLED, 'no-cache'],
      ['assets/*', CACHING_OPTIMIZED, 'public, max-age=31536000, immutable'],
    ]);
  });

  test.each([0, 1])('restricts the page to its own code and its API (behaviour %i)', (at) => {
    const { SecurityHeadersConfig: security } = headersOf(behaviours[at]!);
    const [before, apiUrl, after] = security.ContentSecurityPolicy.ContentSecurityPolicy['Fn::Join'][1];

    expect(before).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; .*connect-src 'self' $/);
    expect(apiUrl).toEqual(API_URL);
    expect(before + after).not.toMatch(/unsafe|\*|data:/);
    expect(after).toContain("frame-ancestors 'none'");
    expect(after).toContain("require-trusted-types-for 'script'");
    expect(security).toMatchObject({
      ContentTypeOptions: { Override: true },
      FrameOptions: { FrameOption: 'DENY' },
      ReferrerPolicy: { ReferrerPolicy: 'no-referrer' },
      StrictTransportSecurity: { AccessControlMaxAgeSec: 31_536_000 },
    });
  });
});

describe('the deployment', () => {
  const deployment = prod.ofType('Custom::CDKBucketDeployment')[0]!.Properties;

  test('puts the page and its settings into the bucket', () => {
    expect(deployment.DestinationBucketName).toEqual({ Ref: BUCKET });
    expect(deployment.SourceObjectKeys).toHaveLength(2);
    expect(Object.values(deployment.SourceMarkers[1])).toEqual([API_URL]);
  });

  const statementsIn = (stack: Synthesized) =>
    stack.named('AWS::IAM::Policy', 'DashboardDeploymentPolicy').Properties.PolicyDocument.Statement;

  test('may only read its two sources and fill the bucket', () => {
    const statements = statementsIn(prod);
    const rights = statements.map(({ Action }: { Action: unknown }) => Action);

    expect(rights).toEqual([
      ['s3:GetBucketTagging', 's3:ListBucket'],
      ['s3:DeleteObject', 's3:PutObject'],
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      's3:GetObject',
    ]);
    const sources = statements[3].Resource;
    expect(sources).toHaveLength(2);
    expect(JSON.stringify(sources)).not.toContain('*');
  });

  test('may read the tag of the bucket that it empties', () => {
    const [bucket, ...others] = statementsIn(new Synthesized('dev', ON));

    expect(bucket.Action).toEqual(['s3:GetBucketTagging', 's3:ListBucket']);
    expect(others.map(({ Action }: { Action: unknown }) => Action)).toEqual(
      statementsIn(prod)
        .slice(1)
        .map(({ Action }: { Action: unknown }) => Action),
    );
  });
});

test('the dashboard’s origin is the last that the read API allows, and its URL is an output', () => {
  const origin = ['https://', { 'Fn::GetAtt': [DISTRIBUTION, 'DomainName'] }];
  const { ALLOWED_ORIGINS } = prod.resources.ReadApiFunctionC43B0DB6!.Properties.Environment.Variables;

  expect(ALLOWED_ORIGINS).toEqual({
    'Fn::Join': ['', [`https://mail.mailgun-ledger.internal,${origin[0]}`, origin[1]]],
  });
  expect(prod.outputs.DashboardUrl?.Value).toEqual({ 'Fn::Join': ['', origin] });
});

test('the dashboard reads from the custom host name of the read API', () => {
  const read = {
    name: 'api.mailgun-ledger.internal',
    certificateArn: 'arn:aws:acm:eu-west-1:333333333333:certificate/1f0c9a52-8f3e-4a44-9d55-0a6f5a2f7c11',
  };
  const named = new Synthesized('prod', { ...ON, customDomain: { read } });

  const policies = named.ofType('AWS::CloudFront::ResponseHeadersPolicy').map(({ Properties }) => {
    return Properties.ResponseHeadersPolicyConfig.SecurityHeadersConfig.ContentSecurityPolicy.ContentSecurityPolicy;
  });
  expect(policies).toHaveLength(2);
  for (const policy of policies) expect(policy).toContain("connect-src 'self' https://api.mailgun-ledger.internal;");
});

test('a custom host name of the dashboard requires TLS 1.2 and is an allowed origin', () => {
  const dashboard = {
    name: 'page.mailgun-ledger.internal',
    certificateArn: 'arn:aws:acm:us-east-1:333333333333:certificate/1f0c9a52-8f3e-4a44-9d55-0a6f5a2f7c11',
  };
  const named = new Synthesized('prod', { ...ON, customDomain: { dashboard } });
  const { DistributionConfig } = named.resources[DISTRIBUTION]!.Properties;
  const { ALLOWED_ORIGINS } = named.resources.ReadApiFunctionC43B0DB6!.Properties.Environment.Variables;

  expect(DistributionConfig.Aliases).toEqual([dashboard.name]);
  expect(DistributionConfig.ViewerCertificate).toEqual({
    AcmCertificateArn: dashboard.certificateArn,
    MinimumProtocolVersion: 'TLSv1.2_2021',
    SslSupportMethod: 'sni-only',
  });
  expect(ALLOWED_ORIGINS).toBe(`https://mail.mailgun-ledger.internal,https://${dashboard.name}`);
  expect(named.outputs.DashboardUrl?.Value).toBe(`https://${dashboard.name}`);
  expect(named.outputs.DashboardDomainTarget?.Value).toEqual({ 'Fn::GetAtt': [DISTRIBUTION, 'DomainName'] });
});
