require('./check-node.ts');
import('../lib/deploy-steps/refuse-update.ts');
