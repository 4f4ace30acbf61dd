require('./check-node.ts');
import('../lib/deploy-steps/deployed-template.ts');
