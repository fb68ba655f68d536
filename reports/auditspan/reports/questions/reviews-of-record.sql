-- group: checks
-- title: The reviews of a record, with reasons
-- asks: What did reviewers say of this record, and why?
-- param record String: RecordId
SELECT ReviewedAt, ReviewedBy, ReviewedByProvenance, Method, Verdict, Closed, Comment AS Reason,
       Ticket, ReviewId
FROM reviews
WHERE RecordId = {record:String}
ORDER BY ReviewedAt, ReviewId
