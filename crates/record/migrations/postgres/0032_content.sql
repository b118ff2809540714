-- Whether the answer says that the customer is content, as the plan counted it; NULL: it does not measure that.
ALTER TABLE survey_answer ADD COLUMN content BIGINT;
UPDATE survey_answer SET content = 1 WHERE question = 'satisfied'
    AND answer IN ('satisfied', '4', '5', '6', '7', '8', '9', '10');
UPDATE survey_answer SET content = 0 WHERE question = 'satisfied'
    AND answer IN ('dissatisfied', '0', '1', '2', '3');
