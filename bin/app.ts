require('./check-node.ts');
import('../lib/app.ts');
