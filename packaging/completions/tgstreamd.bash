# Completion for bash. Mirrors' names come from `tgstreamd status`, where it answers.

_tgstreamd_mirrors() {
    tgstreamd status --json 2>/dev/null | sed -n '/^  "mirrors": \[/,/^  \]/s/^      "name": "\(.*\)",\{0,1\}$/\1/p'
}

_tgstreamd() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb="" part
    for part in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $part in
            run|init|login|logout|chats|check|plan|alert|status|parked|pause|resume|verify|resend|backup|rebuild) verb=$part; break ;;
        esac
    done
    COMPREPLY=()
    case $before in
        --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --order) mapfile -t COMPREPLY < <(compgen -W "live-first source" -- "$word"); return ;;
        --deletes) mapfile -t COMPREPLY < <(compgen -W "keep mirror" -- "$word"); return ;;
        --transfer) mapfile -t COMPREPLY < <(compgen -W "stream reference reference-only" -- "$word"); return ;;
        --attribution) mapfile -t COMPREPLY < <(compgen -W "none author author-link" -- "$word"); return ;;
        --history) mapfile -t COMPREPLY < <(compgen -W "all none 90d" -- "$word"); return ;;
        --state-directory) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    esac
    local words="--config --help"
    case $verb in
        "") words+=" --version run init login logout chats check plan alert status parked pause resume verify resend backup rebuild" ;;
        init) words+=" --force --api-id --api-hash --name --source --target --source-topic --target-topic
            --history --order --deletes --transfer --attribution --state-directory" ;;
        login) words+=" --qr --phone --bot-token" ;;
        chats|check|alert) words+=" --json" ;;
        plan)
            local IFS=$'\n'
            words=--config$'\n'--help$'\n'--json$'\n'--from$'\n'--to$'\n'--limit$'\n'$(_tgstreamd_mirrors) ;;
        status) words+=" --json --watch" ;;
        parked) words+=" --json --all list retry skip" ;;
        verify|resend)
            local IFS=$'\n' more=--yes
            [[ $verb = verify ]] && more=--repair
            mapfile -t COMPREPLY < <(compgen -W "$(_tgstreamd_mirrors)"$'\n'"--config"$'\n'"--help"$'\n'"--json"$'\n'"$more" -- "$word")
            return ;;
        backup) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        pause|resume|rebuild)
            local IFS=$'\n'
            mapfile -t COMPREPLY < <(compgen -W "$(_tgstreamd_mirrors)"$'\n'"--config"$'\n'"--help"$'\n'"--yes" -- "$word")
            return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _tgstreamd tgstreamd
