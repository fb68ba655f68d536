SELECT
    formatDateTime(since, '%Y-%m-%dT%H:%i:%SZ') AS since,
    formatDateTime(until, '%Y-%m-%dT%H:%i:%SZ') AS until,
    records, actions, sequence_gaps, unsequenced, unknown_effects, not_evaluated, claimed_agents,
    (SELECT count() FROM dead_letters
     WHERE ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}
       -- One that was tried again and stored is among the records.
       AND (LetterId = '' OR LetterId NOT IN (SELECT LetterId FROM dead_letter_ends))) AS dead_letters
FROM (
    SELECT
        {since:DateTime64(9, 'UTC')} AS since,
        {until:DateTime64(9, 'UTC')} AS until,
        sum(rows) AS records,
        sum(rows_action) AS actions,
        -- Each instance counts its records: what lies between the lowest and the highest and is not here is missing.
        sum(if(instance != '' AND highest > 0, greatest(highest - lowest + 1, known) - known, 0)) AS sequence_gaps,
        sum(rows_unsequenced) AS unsequenced,
        sum(rows_unknown) AS unknown_effects,
        sum(rows_not_evaluated) AS not_evaluated,
        sum(rows_claimed) AS claimed_agents
    FROM (
        SELECT
            InstanceId AS instance,
            count() AS rows,
            countIf(RecordKind = 'action') AS rows_action,
            countIf(RecordKind = 'action' AND Sequence = 0) AS rows_unsequenced,
            countIf(RecordKind = 'action' AND Effect = 'unknown') AS rows_unknown,
            countIf(RecordKind = 'action' AND PolicyOutcome = 'not_evaluated') AS rows_not_evaluated,
            countIf(RecordKind = 'action' AND AgentProvenance != 'verified') AS rows_claimed,
            max(Sequence) AS highest,
            minIf(Sequence, Sequence > 0) AS lowest,
            uniqExactIf(Sequence, Sequence > 0) AS known
        FROM audit
        WHERE (Timestamp >= {since:DateTime64(9, 'UTC')} AND Timestamp < {until:DateTime64(9, 'UTC')})
           OR (ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')})
        GROUP BY InstanceId
    )
)
