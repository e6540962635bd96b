-- Under which keys an effect was ordered before it was tried again, and whose a key was, without walking the whole log.
create index audit_log_retried on audit_log (target) where action = 'effect.retry';
create index audit_log_retried_orders on audit_log ((before->>'order')) where action = 'effect.retry';
