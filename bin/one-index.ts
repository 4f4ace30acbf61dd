require('./check-node.ts');
import('../lib/deploy-steps/refuse-index-changes.ts');
