# Completion for bash. Written by `make reference` from the program's own parser: do not edit.

_tgstreamd_mirrors() {
    tgstreamd status --json 2>/dev/null | sed -n '/^  "mirrors": \[/,/^  \]/s/^      "name": "\(.*\)",\{0,1\}$/\1/p'
}

_tgstreamd() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb="" words="" part
    local IFS=$'\n'
    for part in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $part in
            run|init|login|logout|chats|check|config|plan|alert|status|parked|pause|resume|verify|resend|backup|rebuild) verb=$part; break ;;
        esac
    done
    COMPREPLY=()
    case $verb:$before in
        *:--config) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        init:--api-id) return ;;
        init:--api-hash) return ;;
        init:--login) words=$'phone\nqr\nlater' ;;
        init:--name) return ;;
        init:--source) return ;;
        init:--target) return ;;
        init:--source-topic) return ;;
        init:--target-topic) return ;;
        init:--history) words=$'all\nnone\n90d' ;;
        init:--order) words=$'live-first\nsource' ;;
        init:--deletes) words=$'keep\nmirror' ;;
        init:--transfer) words=$'stream\nreference\nreference-only' ;;
        init:--attribution) words=$'none\nauthor\nauthor-link' ;;
        init:--state-directory) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
        login:--phone) return ;;
        login:--bot-token) return ;;
        chats:--search) return ;;
        plan:--from) return ;;
        plan:--to) return ;;
        plan:--limit) return ;;
    esac
    if [[ -z $words ]]; then
        case $verb in
        "") words=$'run\ninit\nlogin\nlogout\nchats\ncheck\nconfig\nplan\nalert\nstatus\nparked\npause\nresume\nverify\nresend\nbackup\nrebuild\n--config\n--help\n--version' ;;
        run) words=$'--config\n--help' ;;
        init) words=$'--force\n--api-id\n--api-hash\n--login\n--name\n--source\n--target\n--source-topic\n--target-topic\n--history\n--order\n--deletes\n--transfer\n--attribution\n--state-directory\n--config\n--help' ;;
        login) words=$'--qr\n--phone\n--again\n--bot-token\n--config\n--help' ;;
        logout) words=$'--config\n--help' ;;
        chats) words=$'--search\n--json\n--config\n--help' ;;
        check) words=$'--json\n--config\n--help' ;;
        config) words=$'--json\n--config\n--help\nshow' ;;
        plan) words=$'--from\n--to\n--limit\n--json\n--config\n--help' ;;
        alert) words=$'--json\n--config\n--help' ;;
        status) words=$'--json\n--watch\n--config\n--help' ;;
        parked) words=$'--all\n--json\n--config\n--help\nlist\nretry\nskip' ;;
        pause) words=$'--config\n--help' ;;
        resume) words=$'--config\n--help' ;;
        verify) words=$'--repair\n--json\n--config\n--help' ;;
        resend) words=$'--yes\n--json\n--config\n--help' ;;
        backup) words=$'--config\n--help' ;;
        rebuild) words=$'--yes\n--config\n--help' ;;
        esac
        case $verb in
            plan|pause|resume|verify|resend|rebuild) words+=$'\n'$(_tgstreamd_mirrors) ;;
            backup) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        esac
    fi
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _tgstreamd tgstreamd
