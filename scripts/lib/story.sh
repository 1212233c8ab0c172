# The life of one proposal, which scripts/demo shows with the last notice first. Sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # language, partner and demo_dir come from scripts/demo

# The last notice comes late enough for every wait to be seen.
readonly wait_seconds=4

tell_the_story() {
    cd "$demo_dir/notices" || return
    # Fourteen digits, as the platform's: the date first. The seconds of the day keep two demos of one day apart.
    proposal=$(TZ=CST-8 date +%Y%m%d9)$(printf '%05d' $((10#$(date +%s) % 86400)))
    write_notices .

    step "One proposal's life: its notices arrive last first, some of them repeated" '一张投保单：通知倒序到达，还有重复'
    tell "Zhang San insures himself and Li Si under proposal $proposal, pays, gets the policy and the e-policy,
and then Li Si leaves. The platform's notices arrive last first, some of them two or three times: cancelled, e-policy,
issued, paid. The first notice of all, the insured notice, has not come yet." \
        "张三为自己和李四投保，投保单号 $proposal：支付、出单、电子保单生成，随后李四退保。
通知到达的顺序正好相反，有的还来了两三次：退保、电子保单、出单、支付。最早的投保通知还没有来。"
    show xiebao --lang "$language" send 4-cancelled.json 9-e-policy.json 4-cancelled.json 3-issued.json \
        2-paid.json 3-issued.json 3-issued.json ||
        fail 'Not every notice was accepted.' '有通知没有被接受。'

    step 'Every notice is safe, and waits for its predecessor' '全部已可靠保存，等待各自的前一步'
    wait_until 30 outcomes_are 'held 4' ||
        fail "Four notices should be held now; in fact: $(outcomes)" "此时应有四条通知在等待，实际：$(outcomes)"
    show xiebao --lang "$language" trace "$proposal" || fail 'The proposal is not found.' '查不到这张投保单。'

    step 'The insured notice comes, and the others are applied in the right order' '投保通知到了，其余的按正确顺序依次处理'
    tell "It comes $wait_seconds seconds later; the wait of each notice is shown below." \
        "它晚来 $wait_seconds 秒；下面可以看到每条通知各等了多久。"
    run sleep "$wait_seconds"
    show xiebao --lang "$language" send 1-insured.json 2-paid.json ||
        fail 'Not every notice was accepted.' '有通知没有被接受。'
    wait_until 30 outcomes_are 'applied 5' ||
        fail "Five notices should be applied now; in fact: $(outcomes)" "此时应有五条通知已处理，实际：$(outcomes)"
    show xiebao --lang "$language" trace "$proposal" || fail 'The proposal is not found.' '查不到这张投保单。'
}

# outcomes: the number of the proposal's notices in each state, e.g. "applied 1 held 3". A held notice has no applied_at.
outcomes() {
    "$bin/xiebao" trace "$proposal" --json 2>/dev/null </dev/null |
        grep -oE '"applied_at": *(null|")' | sed -E 's/.*null$/held/; s/.*"$/applied/' | sort | uniq -c |
        awk '{ printf "%s%s %s", sep, $2, $1; sep = " " }' || true
}

outcomes_are() { [[ $(outcomes) == "$1" ]]; }

# write_notices DIRECTORY: the platform's notices without their signatures, which `xiebao send` adds.
write_notices() {
    local common today last_day now
    now=$(TZ=CST-8 date '+%Y-%m-%d %H:%M:%S')
    today=${now% *}
    last_day=$(TZ=CST-8 date -d '+364 days' +%Y-%m-%d)
    common=$(printf '"partnerId":%s,"partnerUniqueKey":"demo-user-1","caseCode":"QX000000100001","insureNum":"%s"' \
        "$partner" "$proposal")
    cat >"$1/1-insured.json" <<JSON
{"notifyType":1,"data":{$common,"state":true}}
JSON
    cat >"$1/2-paid.json" <<JSON
{"notifyType":2,"data":{$common,"state":true,"payTime":"$now","price":85764,"onlinePaymentId":"21"}}
JSON
    cat >"$1/3-issued.json" <<JSON
{"notifyType":3,"data":{$common,"state":true,"policys":[{"productName":"全家意外险","productId":100001,
"planName":"基础计划","planId":200001,"applicant":"张三","insurant":"张三,李四","startDate":"$today",
"endDate":"$last_day","policyNum":"P$proposal"}]}}
JSON
    cat >"$1/4-cancelled.json" <<JSON
{"notifyType":4,"data":{$common,"state":true,"cancelInsurants":["李四"]}}
JSON
    cat >"$1/9-e-policy.json" <<JSON
{"notifyType":9,"data":{$common,"state":true}}
JSON
}
