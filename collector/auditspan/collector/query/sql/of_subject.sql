SELECT RecordId AS id, count() OVER () AS total
FROM audit_records
WHERE RecordKind = 'action'
  AND (position(concat(
          PrincipalId, '\n', UserId, '\n', OrganizationId, '\n', SessionId, '\n', AuthorizedBy, '\n',
          Purpose, '\n', SpanName, '\n', ToolArguments, '\n', ToolResult, '\n', TargetId, '\n',
          StatusMessage, '\n', PolicyReason, '\n', Summary), {subject:String}) > 0
      OR arrayExists(v -> position(v, {subject:String}) > 0, arrayConcat(
          DataSubjectIds, mapValues(ResourceAttributes), mapValues(SpanAttributes),
          mapValues(OtlpExtras), mapValues(Derived),
          arrayFlatten(arrayMap(e -> mapValues(e.Attributes), Events)),
          arrayFlatten(arrayMap(l -> mapValues(l.Attributes), Links)))))
ORDER BY Timestamp, RecordId
LIMIT {limit:UInt32}
