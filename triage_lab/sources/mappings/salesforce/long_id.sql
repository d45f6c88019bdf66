-- Grain: one id in its form of 18 characters; the last three say the case of the others, five bits each. An id in another
-- form stays as it is. Source: Salesforce Help, "What is the difference between the 15 and 18 character IDs".
(id) AS id || CASE
    WHEN length(id) = 15 AND regexp_full_match(id, '[0-9A-Za-z]+') THEN
        array_to_string(list_transform([0, 5, 10], lambda start: substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345',
            1 + CAST(list_sum(list_transform([0, 1, 2, 3, 4], lambda bit: CASE
                WHEN substr(id, start + bit + 1, 1) BETWEEN 'A' AND 'Z' THEN 1 << bit
                ELSE 0 END)) AS INTEGER), 1)), '')
    ELSE '' END
