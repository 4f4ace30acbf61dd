import { join } from 'node:path';
import { AssetHashType, DockerImage, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  CachePolicy,
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  PriceClass,
  ResponseHeadersPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, type ISource, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { assets } from '#assets';
import { CACHE_CONTROL, contentSecurityPolicy, HASHED_FOLDER, SECURITY_HEADERS } from '../../dashboard/headers.ts';

const PAGE = join(import.meta.dirname, '../../dashboard');

interface DashboardProps {
  /** Base URL of the read API. */
  readonly apiUrl: string;
  /** Its certificate is in us-east-1. */
  readonly customDomain: { readonly name: string; readonly certificateArn: string } | undefined;
  /** The target reference by which commands find this stack. */
  readonly target: string;
  readonly logRetentionDays: number;
  /** Encrypts the bucket, where AWS's own key does not. */
  readonly customerKey: IKey | undefined;
}

/** The page: files in a private bucket that CloudFront alone reads. */
export class Dashboard extends Construct {
  readonly url: string;
  /** The target for a CNAME of the custom domain. */
  readonly domainTarget: string | undefined;
  readonly bucket: IBucket;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const { customDomain } = props;
    // IBucket has an optional property that Bucket types as possibly undefined.
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      // Nothing but the repository's own files.
      removalPolicy: RemovalPolicy.DESTROY,
    }) as IBucket;
    const origin = S3BucketOrigin.withOriginAccessControl(this.bucket);
    const behaviour = { origin, viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS };
    const distribution = new Distribution(this, 'Distribution', {
      comment: `${Stack.of(this).stackName} dashboard`,
      defaultRootObject: 'index.html',
      // The files that name the others are small: never cached, so that a deployment needs no invalidation.
      defaultBehavior: {
        ...behaviour,
        cachePolicy: CachePolicy.CACHING_DISABLED,
        responseHeadersPolicy: this.#headers('Headers', props.apiUrl, CACHE_CONTROL.other),
      },
      additionalBehaviors: {
        [`${HASHED_FOLDER}/*`]: {
          ...behaviour,
          cachePolicy: CachePolicy.CACHING_OPTIMIZED,
          responseHeadersPolicy: this.#headers('AssetHeaders', props.apiUrl, CACHE_CONTROL.hashed),
        },
      },
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: PriceClass.PRICE_CLASS_100,
      ...(customDomain && {
        domainNames: [customDomain.name],
        certificate: Certificate.fromCertificateArn(this, 'Certificate', customDomain.certificateArn),
        minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      }),
    });
    this.domainTarget = customDomain && distribution.distributionDomainName;
    this.url = `https://${customDomain?.name ?? distribution.distributionDomainName}`;
    this.#deploy(props);
  }

  /** Creates CloudFront's policy with the same headers as the local stack. */
  #headers(id: string, apiUrl: string, cacheControl: string): ResponseHeadersPolicy {
    const {
      'x-content-type-options': _nosniff,
      'x-frame-options': _deny,
      'referrer-policy': _noReferrer,
      ...others
    } = SECURITY_HEADERS;
    return new ResponseHeadersPolicy(this, id, {
      securityHeadersBehavior: {
        contentSecurityPolicy: { contentSecurityPolicy: contentSecurityPolicy(apiUrl), override: true },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
        referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
        strictTransportSecurity: { accessControlMaxAge: Duration.days(365), override: true },
      },
      customHeadersBehavior: {
        customHeaders: Object.entries({ ...others, 'cache-control': cacheControl }).map(([header, value]) => ({
          header,
          value,
          override: true,
        })),
      },
    });
  }

  /** Deploys the files with CDK's BucketDeployment, with explicit permissions and a log group with retention. */
  #deploy({ apiUrl, target, logRetentionDays, customerKey }: DashboardProps): void {
    const role = new Role(this, 'DeploymentRole', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const logGroup = new LogGroup(this, 'DeploymentLogs', {
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const sources = [pageSource(), Source.jsonData('config.json', { apiUrl, target })].map((source) =>
      noted(source, (objectArn) => policy.addStatements(allow(['s3:GetObject'], objectArn))),
    );
    const policy = new Policy(this, 'DeploymentPolicy', {
      roles: [role],
      statements: [
        allow(['s3:ListBucket', 's3:GetBucketTagging'], this.bucket.bucketArn),
        allow(['s3:PutObject', 's3:DeleteObject'], this.bucket.arnForObjects('*')),
        allow(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroup.logGroupArn),
        ...(customerKey ? [allow(['kms:Decrypt', 'kms:GenerateDataKey'], customerKey.keyArn)] : []),
      ],
    });
    const deployment = new BucketDeployment(this, 'Deployment', {
      sources,
      // By its name: a bucket that CDK tags as the deployment's is not emptied with it.
      destinationBucket: Bucket.fromBucketName(this, 'Destination', this.bucket.bucketName),
      // Emptied first, for a bucket that is not empty cannot be deleted.
      retainOnDelete: false,
      // Without its own grants, which contain wildcards.
      role: role.withoutPolicyUpdates(),
      logGroup,
      memoryLimit: 512,
    });
    deployment.node.addDependency(policy);
  }
}

const allow = (actions: string[], ...resources: string[]) => new PolicyStatement({ actions, resources });

function pageSource(): ISource {
  const tryBundle = (folder: string) => {
    assets.writePage(folder);
    return true;
  };
  return Source.asset(PAGE, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: { image: DockerImage.fromRegistry('never-used'), local: { tryBundle } },
  });
}

/** Wraps a source, and calls `note` with the ARN of the object that is read. */
function noted(source: ISource, note: (objectArn: string) => void): ISource {
  return {
    bind(scope, context) {
      const config = source.bind(scope, context);
      note(config.bucket.arnForObjects(config.zipObjectKey));
      return config;
    },
  };
}
